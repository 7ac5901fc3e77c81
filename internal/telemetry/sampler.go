package telemetry

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Sampler decides which traces are recorded.
type Sampler struct {
	parentBased bool    // the caller's decision is adopted
	trusts      bool    // this applies to clients, too, not only to peers
	perSecond   float64 // maximum number of traces that a service begins in a second; 0 for no limit
	threshold   uint64  // traces with an id below the threshold are sampled
}

// defaultRate is the number of traces that a service begins in a second unless configured otherwise.
const defaultRate = 10

// NewSampler returns the sampler for the given values of OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG, variables
// that OpenTelemetry's specification defines. If name is empty, a service adopts its peers' decisions and begins up to
// 10 traces a second, or as many as the argument specifies. Traces that clients ask for count against this limit unless
// trustClients is true.
func NewSampler(name, argument string, trustClients bool) (Sampler, error) {
	base, parentBased := strings.CutPrefix(name, "parentbased_")
	if base == "" {
		base = name
	}
	s := Sampler{parentBased: parentBased, trusts: true, threshold: math.MaxUint64}
	var err error
	switch base {
	case "":
		s = Sampler{parentBased: true, trusts: trustClients, threshold: math.MaxUint64}
		s.perSecond, err = number(cmp.Or(argument, strconv.Itoa(defaultRate)), 100_000)
	case "always_on":
	case "always_off":
		s.threshold = 0
	case "traceidratio":
		var ratio float64
		if ratio, err = number(cmp.Or(argument, "1"), 1); ratio < 1 {
			s.threshold = uint64(ratio * (1 << 63) * 2)
		}
	default:
		return s, errors.New("OTEL_TRACES_SAMPLER: must be always_on, always_off or traceidratio, " +
			"or one of these with the prefix parentbased_")
	}
	if err == nil && s.perSecond == 0 && base == "" {
		s.threshold = 0
	}
	return s, err
}

// number parses a sampler's argument.
func number(text string, most float64) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= most) {
		return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to %g", most)
	}
	return n, nil
}

// sample decides whether the service records a trace. traceID is empty if the service begins the trace; otherwise, it
// is the id that the caller has sent. sample returns the trace's id.
func (t *Tracer) sample(now time.Time, traceID string) (id string, sampled bool) {
	if t.sampler.threshold == 0 || t.sampler.perSecond > 0 && !t.limit.allows(now.Sub(t.begun), t.sampler.perSecond) {
		return "", false
	}
	if traceID == "" {
		traceID = randomHex(2)
	}
	return traceID, t.sampler.below(traceID)
}

// below reports whether a trace id is below the threshold. All services with the same ratio make the same decision for
// an id.
func (s Sampler) below(traceID string) bool {
	low, _ := strconv.ParseUint(traceID[16:], 16, 64)
	return low < s.threshold || s.threshold == math.MaxUint64
}

// rateLimit is a token bucket that holds the tokens for one second. The zero value is full. It needs neither a
// goroutine nor a timer.
type rateLimit struct {
	full atomic.Int64 // when the bucket will be full again, in nanoseconds since the tracer was created
}

// longest is the maximum interval between two tokens. A longer interval could overflow.
const longest = 365 * 24 * time.Hour

// allows takes a token, and reports whether there was one. now is the time since the tracer was created.
func (l *rateLimit) allows(now time.Duration, perSecond float64) bool {
	interval := time.Duration(min(float64(time.Second)/perSecond, float64(longest)))
	for {
		before := l.full.Load()
		full := max(time.Duration(before), now) + interval
		if full-now > max(time.Second, interval) {
			return false
		}
		if l.full.CompareAndSwap(before, int64(full)) {
			return true
		}
	}
}
