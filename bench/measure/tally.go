package measure

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"superheroes/bench/rawhttp"
)

// maxLatency is the upper bound of the histograms; longer latencies are recorded as maxLatency.
const maxLatency = time.Minute

// tally records the outcomes of iterations. It is safe for concurrent use.
type tally struct {
	mu      sync.Mutex
	latency *hdrhistogram.Histogram // latencies of measured iterations with a correct response, in nanoseconds
	late    *hdrhistogram.Histogram // how late measured iterations started, in nanoseconds
	counts  Counts
}

// Counts holds numbers of iterations, unless stated otherwise.
type Counts struct {
	Done         int64 `json:"done"`             // completed iterations, including the warm-up
	Measured     int64 `json:"measured"`         // iterations due in the measured time that got a correct response
	Dropped      int64 `json:"dropped"`          // iterations due in the measured time, but never started: no free connection
	WarmDropped  int64 `json:"warm_dropped"`     // iterations due in the warm-up, but never started: no free connection
	Wrong        int64 `json:"wrong"`            // iterations with a wrong response, including the warm-up
	Unanswered   int64 `json:"unanswered"`       // iterations without a response, including the warm-up
	Refused      int64 `json:"refused"`          // iterations in which connecting failed, including the warm-up
	Acknowledged int64 `json:"acknowledged"`     // fight responses with status 200, even those that failed a check, including the warm-up
	Upsets       int64 `json:"upsets,omitempty"` // fights won by the fighter who would have lost by level, including the warm-up
	Uncertain    int64 `json:"uncertain"`        // fight requests without a response: each may or may not have stored a fight

	Requests int64 `json:"requests"`       // requests sent, including the warm-up
	Sent     int64 `json:"sent_bytes"`     // HTTP bytes sent, including the warm-up
	Received int64 `json:"received_bytes"` // HTTP bytes received, including the warm-up
	Dialled  int64 `json:"dialled"`        // connections opened, including the warm-up

	FirstWrong      string `json:"first_wrong,omitempty"` // with its request
	FirstUnanswered string `json:"first_unanswered,omitempty"`
}

func newTally() *tally {
	return &tally{latency: newHistogram(), late: newHistogram()}
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, int64(maxLatency), 3) }

func (t *tally) done(o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Done++
	if o.err != nil {
		t.failed(o)
		return
	}
	if o.action.fights {
		t.counts.Acknowledged++
	}
	if o.measured {
		t.counts.Measured++
		_ = t.latency.RecordValue(int64(min(o.latency, maxLatency))) // can't fail, since the value is capped at maxLatency
	}
}

func (t *tally) failed(o outcome) {
	c := &t.counts
	fights := o.action.fights && (o.action.name != "family" || o.last == postFight)
	text := fmt.Sprintf("%s: %v", o.last, o.err)
	switch {
	case errors.Is(o.err, errWrong):
		c.Wrong++
		if c.FirstWrong == "" {
			c.FirstWrong = text
		}
		if fights && !errors.Is(o.err, errStatus) {
			c.Acknowledged++
		}
		return
	case errors.Is(o.err, rawhttp.ErrConnect):
		c.Refused++
	default:
		c.Unanswered++
		if fights {
			c.Uncertain++
		}
	}
	if c.FirstUnanswered == "" {
		c.FirstUnanswered = text
	}
}

func (t *tally) drop(measured bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if measured {
		t.counts.Dropped++
	} else {
		t.counts.WarmDropped++
	}
}

func (t *tally) started(late time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.late.RecordValue(int64(min(max(late, 0), maxLatency))) // can't fail, since the value is capped at maxLatency
}

// leave adds a finished client's traffic to the totals.
func (t *tally) leave(c *client) {
	sent, received, dialled := c.traffic()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Requests += c.requests
	t.counts.Upsets += c.upsets
	t.counts.Sent += sent
	t.counts.Received += received
	t.counts.Dialled += dialled
}

// now returns the counts so far.
func (t *tally) now() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}
