package measure

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"superheroes/bench/rawhttp"
)

// maxLatency is the longest that is told from longer ones.
const maxLatency = time.Minute

// tally counts what becomes of iterations. It is safe for concurrent use.
type tally struct {
	mu      sync.Mutex
	latency *hdrhistogram.Histogram // of measured iterations that were answered rightly, in nanoseconds
	late    *hdrhistogram.Histogram // how late measured iterations were sent, in nanoseconds
	counts  Counts
}

// Counts are numbers of iterations, unless it is said otherwise.
type Counts struct {
	Done         int64 `json:"done"`         // ended, with the warm-up
	Measured     int64 `json:"measured"`     // that were to be sent in the measured time, and were answered rightly
	Dropped      int64 `json:"dropped"`      // of the measured time: not sent, because no connection was free
	WarmDropped  int64 `json:"warm_dropped"` // of the warm-up
	Wrong        int64 `json:"wrong"`        // answered, but not as they should be; with the warm-up
	Unanswered   int64 `json:"unanswered"`   // without an answer; with the warm-up
	Refused      int64 `json:"refused"`      // not sent, because no connection could be made; with the warm-up
	Acknowledged int64 `json:"acknowledged"` // fights that were answered with 200, also when the check found a fault; with the warm-up
	Uncertain    int64 `json:"uncertain"`    // fights asked for without an answer: nobody knows whether they are stored

	Requests int64 `json:"requests"`       // sent, with the warm-up, and so are
	Sent     int64 `json:"sent_bytes"`     // of HTTP
	Received int64 `json:"received_bytes"` // of HTTP
	Dialled  int64 `json:"dialled"`        // connections

	FirstWrong      string `json:"first_wrong,omitempty"` // with what was asked for
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
		_ = t.latency.RecordValue(int64(min(o.latency, maxLatency))) // it can't be out of range
	}
}

func (t *tally) failed(o outcome) {
	c := &t.counts
	fights := o.action.fights && (o.action.name != "family" || o.last == postFight)
	text := fmt.Sprintf("%s: %v", o.last, o.err)
	switch {
	case o.isWrong():
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

func (t *tally) sent(late time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.late.RecordValue(int64(min(max(late, 0), maxLatency))) // it can't be out of range
}

// leave adds what a client counted, at its end.
func (t *tally) leave(c *client) {
	sent, received, dialled := c.traffic()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Requests += c.requests
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
