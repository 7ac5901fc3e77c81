package overload

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"superheroes/bench/rawhttp"
)

// slice is the length of the intervals for which outcomes are recorded separately.
const slice = 500 * time.Millisecond

// outcome holds the results of a load test, grouped by when each request was due.
type outcome struct {
	begin time.Time
	lasts time.Duration
	mu    sync.Mutex
	parts []part
	first string // failure
}

// part is the outcome of the requests that were due in one time slice.
type part struct {
	good                     []time.Duration // latencies of responses with status 200 within the deadline
	refused, failed, dropped int
	late                     int // responses with status 200 after the deadline
}

// deadline is how long a client waits for a response, counted from when its first request was due.
const deadline = 5 * time.Second

func newOutcome(begin time.Time, lasts time.Duration) *outcome {
	return &outcome{begin: begin, lasts: lasts, parts: make([]part, lasts/slice+1)}
}

func (o *outcome) at(when time.Time) *part {
	return &o.parts[min(max(int(when.Sub(o.begin)/slice), 0), len(o.parts)-1)]
}

func (o *outcome) add(at time.Time, answer rawhttp.Answer, err error) {
	took := time.Since(at)
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.at(at)
	switch {
	case refused(answer, err):
		p.refused++
	case err == nil && answer.Status == http.StatusOK && took > deadline:
		p.late++
	case err == nil && answer.Status == http.StatusOK:
		p.good = append(p.good, took)
	default:
		p.failed++
		if o.first == "" {
			o.first = fmt.Sprintf("%v %d %.100s", err, answer.Status, answer.Body)
		}
	}
}

func (o *outcome) dropped(at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at(at).dropped++
}

// total adds up the outcomes of all time slices.
func (o *outcome) total() part {
	var sum part
	for _, p := range o.parts {
		sum.good = append(sum.good, p.good...)
		sum.refused, sum.failed, sum.dropped = sum.refused+p.refused, sum.failed+p.failed, sum.dropped+p.dropped
		sum.late += p.late
	}
	return sum
}

// goodput returns the number of successful responses per second that arrived within the deadline.
func (o *outcome) goodput() float64 { return float64(len(o.total().good)) / o.lasts.Seconds() }

func (p part) quantile(q float64) time.Duration {
	if len(p.good) == 0 {
		return 0
	}
	slices.Sort(p.good)
	return p.good[min(int(q*float64(len(p.good))), len(p.good)-1)]
}

// settled returns the time that the service took to recover. After that time, no request was refused, late, failed or
// dropped, and no time slice has a 99th-percentile latency above p99.
func (o *outcome) settled(p99 time.Duration) time.Duration {
	for i := len(o.parts) - 2; i >= 0; i-- { // skips the last slice, which is cut short
		p := o.parts[i]
		if p.refused+p.late+p.failed+p.dropped > 0 || p.quantile(0.99) > p99 {
			return time.Duration(i+1) * slice
		}
	}
	return 0
}

func (o *outcome) String() string {
	sum := o.total()
	text := fmt.Sprintf("%8.0f good/s  p50 %7s  p99 %7s  max %7s  refused %6.0f/s  late %d  failed %d  dropped %d",
		o.goodput(), short(sum.quantile(0.5)), short(sum.quantile(0.99)), short(sum.quantile(1)),
		float64(sum.refused)/o.lasts.Seconds(), sum.late, sum.failed, sum.dropped)
	if o.first != "" {
		text += "\n    first failure: " + o.first
	}
	return text
}

func short(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.2fms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.0fms", float64(d)/1e6)
}
