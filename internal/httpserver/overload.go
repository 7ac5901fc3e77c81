package httpserver

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// always is how many requests may be under way whatever happens.
	always = 128
	// most is how many may be under way at all.
	most = 4096
	// intervalShare is the part of a request's deadline in which requests are to be answered under overload.
	intervalShare = 20
	// defaultInterval is that time for a service without a deadline.
	defaultInterval = 250 * time.Millisecond
	// longestRetry bounds what a refused client is told to wait, in seconds beyond the first.
	longestRetry = 4
)

// overload admits as many requests as can be answered within an interval, and never fewer than 128.
//
// By Little's law (L = λW; J. D. C. Little, Operations Research 9(3), 1961) requests take an interval on average when as
// many are under way as are answered in an interval. So that is the limit: the number answered in the last one. It needs no
// probing and no baseline: it grows when the service gets faster, and a service that is slow because it is waiting for its
// store is left with the 128 that are always admitted. What was answered in an interval shows what the service can do only
// while enough wait. So nothing is refused before more than 128 have been under way for a whole interval: a burst passes,
// a standing queue doesn't, as in CoDel (RFC 8289). Nothing is learned from idle times.
//
// Admitting a request takes two atomic operations up to 128, a mutex and a look at the clock above, and no allocation
// (BenchmarkOverload).
type overload struct {
	interval time.Duration
	underWay atomic.Int64
	answered atomic.Int64
	calm     atomic.Bool // at most 128 have been under way since the interval of grace began

	mu           sync.Mutex
	graceEnds    time.Time
	refusedLast  time.Time
	refused      int64
	older, newer mark
}

// mark is a moment, and what had been answered and refused by then.
type mark struct {
	at                time.Time
	answered, refused int64
}

func newOverload(deadline time.Duration) *overload {
	o := &overload{interval: deadline / intervalShare}
	if o.interval <= 0 {
		o.interval = defaultInterval
	}
	o.calm.Store(true)
	return o
}

func (o *overload) enter(*http.Request) bool {
	for {
		n := o.underWay.Load()
		if n >= always && !o.admits(n+1) {
			return false
		}
		if o.underWay.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (o *overload) leave(*http.Request) {
	o.answered.Add(1)
	o.pause()
}

// pause takes a request out of the count while it waits for its client.
func (o *overload) pause() {
	if o.underWay.Add(-1) == always {
		o.calm.Store(true)
	}
}

// resume counts it again. It was admitted, so it is refused only when nothing more may be under way at all.
func (o *overload) resume() bool {
	if o.underWay.Add(1) > most {
		o.pause()
		return false
	}
	return true
}

// admits reports whether a request may become the nth under way, n being above 128.
func (o *overload) admits(n int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.calm.Load() && now.Sub(o.refusedLast) > memory {
		o.calm.Store(false)
		o.graceEnds = now.Add(o.interval)
		o.older = mark{now, o.answered.Load(), o.refused}
		o.newer = o.older
	}
	if n <= o.limit(now) {
		return true
	}
	o.refused++
	o.refusedLast = now
	return false
}

// memory is how long after the last refusal a queue counts as the same one.
const memory = time.Second

// limit returns how many may be under way. The mutex is held.
func (o *overload) limit(now time.Time) int64 {
	if now.Before(o.graceEnds) {
		return most
	}
	if now.Sub(o.newer.at) >= o.interval/2 {
		o.older, o.newer = o.newer, mark{now, o.answered.Load(), o.refused}
	}
	answered := float64(o.answered.Load() - o.older.answered)
	perInterval := answered * float64(o.interval) / float64(now.Sub(o.older.at))
	return int64(min(max(perInterval, always), most))
}

// retryAfter spreads the clients over as many seconds as the service would need for those refused lately.
func (o *overload) retryAfter() time.Duration {
	o.mu.Lock()
	refused, answered := o.refused-o.older.refused, o.answered.Load()-o.older.answered
	o.mu.Unlock()
	return jittered(min((refused+answered)/max(answered, 1), longestRetry))
}
