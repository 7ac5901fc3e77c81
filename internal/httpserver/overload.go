package httpserver

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// always is how many requests may be under way whatever happens.
	always = 128
	// burst is how many may be under way while it isn't known yet what the service can do, and mostUnderWay how many at all.
	burst, mostUnderWay = 1024, 8192
	// intervalShare is the part of a request's deadline in which requests are answered, on average, under overload.
	intervalShare = 5
	// defaultInterval is that time for a service without a deadline.
	defaultInterval = time.Second
	// windows of half an interval are remembered.
	windows = 20
	// longestRetry bounds what a refused client is told to wait, in seconds beyond the first.
	longestRetry = 4
)

// overload admits as many requests as can be answered in time, and never fewer than 128.
//
// By Little's law (L = λW; J. D. C. Little, Operations Research 9(3), 1961) requests take an interval on average when as
// many are under way as are answered in an interval. So that is the limit: the most answered lately, as BBR takes the
// highest recent delivery rate for the bandwidth (Cardwell et al., ACM Queue 14(5), 2016). It needs no probing and no
// baseline: it grows when the service gets faster, outlasts a pause, and a service that waits for its store is left with
// the 128 that are always admitted. Failures don't count as answers.
//
// How much was answered shows what the service can do only while enough wait. So a limit applies only when more than 128
// have been under way for a whole interval: a burst passes, a standing queue doesn't, as in CoDel (RFC 8289). Nothing is
// learned from idle times.
//
// An interval is long, a second of the usual deadline of five, because a refusal isn't free: to read a request and refuse
// it takes a good part of what a fight from memory takes. What can be answered in time is better answered.
//
// Admitting a request takes three atomic operations up to 128, a mutex and a look at the clock above, and no allocation
// (BenchmarkOverload).
type overload struct {
	interval time.Duration
	underWay atomic.Int64
	answered atomic.Int64
	calm     atomic.Bool // at most 128 have been under way since the grace began

	mu          sync.Mutex
	graceEnds   time.Time // until then, nothing is known yet
	refusedLast time.Time
	window      window          // the current one
	past        [windows]window // in no order
	turns       int
	known       int64 // the limit that follows from past
	spread      int64 // of retries, in seconds
}

// window is half an interval, or longer when nobody looked in time.
type window struct {
	begin, end time.Time
	answered   int64 // of the current one: in all when it began; of a past one: in an interval, at its rate
	refused    int64
}

func newOverload(deadline time.Duration) *overload {
	o := &overload{interval: deadline / intervalShare, known: always, spread: 1}
	if o.interval <= 0 {
		o.interval = defaultInterval
	}
	o.calm.Store(true)
	return o
}

// enter admits the request, if need be after a short wait. An immediate refusal would invite an immediate repetition; a
// client that has to wait for it can't repeat often. The more are refused the longer they wait, up to an interval.
func (o *overload) enter(r *http.Request) bool {
	return o.admit() || o.hold(r.Context()) && o.admit()
}

// hold waits, and reports whether the client is still there.
func (o *overload) hold(ctx context.Context) bool {
	o.mu.Lock()
	wait := time.Duration(o.spread) * o.interval / longestRetry
	o.mu.Unlock()
	if deadline, bounded := ctx.Deadline(); bounded {
		wait = min(wait, time.Until(deadline))
	}
	if info := infoOf(ctx); info != nil {
		ctx = info.parent // it needs no timer of its own
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// admit counts the request as under way, unless too many are.
func (o *overload) admit() bool {
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
	if o.underWay.Add(-1) == always {
		o.calm.Store(true)
	}
}

// achieved counts a request that was answered, and not with a failure.
func (o *overload) achieved() { o.answered.Add(1) }

// pause takes a request out of the count while it waits for its client.
func (o *overload) pause() { o.leave(nil) }

// resume counts it again. It was admitted, so it is refused only when nothing more may be under way at all.
func (o *overload) resume() bool {
	if o.underWay.Add(1) > mostUnderWay {
		o.leave(nil)
		return false
	}
	return true
}

// admits reports whether a request may become the nth under way, n being above 128.
func (o *overload) admits(n int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.calm.Load() && now.Sub(o.refusedLast) > o.memory() {
		o.calm.Store(false)
		o.graceEnds = now.Add(o.interval)
		o.window = window{begin: now, answered: o.answered.Load()}
		o.recall(now)
	}
	if n <= o.limit(now) {
		return true
	}
	o.refusedLast = now
	return false
}

// memory is for how long windows and refusals are remembered.
func (o *overload) memory() time.Duration { return windows * o.interval / 2 }

// limit returns how many may be under way. The mutex is held.
func (o *overload) limit(now time.Time) int64 {
	if now.Sub(o.window.begin) >= o.interval/2 {
		o.turn(now)
	}
	if now.Before(o.graceEnds) {
		return max(burst, o.known)
	}
	return o.known
}

// turn ends the current window and begins the next. The mutex is held.
func (o *overload) turn(now time.Time) {
	ended, total := o.window, o.answered.Load()
	answered := total - ended.answered
	o.spread = min(1+ended.refused/max(answered, 1), longestRetry)
	ended.end = now
	ended.answered = int64(float64(answered) * float64(o.interval) / float64(now.Sub(ended.begin)))
	o.past[o.turns%windows] = ended
	o.turns++
	o.window = window{begin: now, answered: total}
	o.recall(now)
}

// recall finds the limit that follows from the windows that are remembered. The mutex is held.
func (o *overload) recall(now time.Time) {
	o.known = always
	for _, past := range o.past {
		if now.Sub(past.end) < o.memory() {
			o.known = min(max(o.known, past.answered), mostUnderWay)
		}
	}
}

// retryAfter spreads the clients over about as many seconds as the service would need for those refused lately.
func (o *overload) retryAfter() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.window.refused++
	return jittered(o.spread)
}

// readUncounted reads the body. Meanwhile the request is not under way: a client that is slow to send would hold a place
// that others need.
func readUncounted(r *http.Request) ([]byte, error) {
	info := infoOf(r.Context())
	if info == nil {
		return io.ReadAll(r.Body)
	}
	limit, ok := info.limit.(*overload)
	if !ok {
		return io.ReadAll(r.Body)
	}
	limit.pause()
	info.limit = nil
	body, err := io.ReadAll(r.Body)
	if !limit.resume() {
		return nil, tooMany(info.kind, limit)
	}
	info.limit = limit
	return body, err
}
