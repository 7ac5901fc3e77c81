package httpserver

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// alwaysAdmitted is the number of concurrent requests that are always admitted.
	alwaysAdmitted = 128
	// burst is the limit while the service's throughput is still unknown; maxInFlight is the upper limit in any
	// case.
	burst, maxInFlight = 1024, 8192
	// intervalShare is how many intervals fit into a request's deadline. Under overload, requests take one interval on
	// average.
	intervalShare = 5
	// defaultInterval is the interval if requests have no deadline.
	defaultInterval = time.Second
	// windows is how many past windows, each half an interval long, are remembered.
	windows = 20
	// longestRetry is how many seconds may be added to Retry-After's minimum of one second.
	longestRetry = 4
)

// overload is a limiter that admits as many concurrent requests as the service can complete in time, and never fewer
// than 128.
//
// By Little's law (L = λW; Operations Research 9(3), 1961), requests take one interval on average if the number in
// flight equals the number completed per interval. The limit is therefore the highest recent throughput per interval,
// just as BBR estimates the bandwidth from the highest recent delivery rate (Cardwell and others, ACM Queue 14(5),
// 2016). The limit needs neither probes nor a baseline. It grows when the service gets faster, survives a pause, and
// falls to the 128 requests that are always admitted while the service waits for its store. Failed requests don't count
// as completed.
//
// Throughput shows the service's capacity only while enough requests are in flight. The limit therefore applies only
// after more than 128 requests have been in flight for a whole interval. As in CoDel (RFC 8289), this lets a burst
// pass, but not a standing queue. Idle time doesn't affect the limit.
//
// The interval is long (one second for the default deadline of five seconds), because refusals aren't free: reading and
// refusing a request takes a large fraction of the CPU time of a fight executed from memory. Serving every request that
// can be served in time is better than refusing some of them sooner.
//
// With up to 128 requests in flight, admitting one takes three atomic operations; with more, it also takes a mutex and
// a clock read. It never allocates (BenchmarkOverload).
type overload struct {
	interval  time.Duration
	inFlight  atomic.Int64
	completed atomic.Int64
	calm      atomic.Bool // at most 128 requests have been in flight since the grace period began

	mu          sync.Mutex
	graceEnds   time.Time // until this time, the throughput is unknown
	refusedLast time.Time
	window      window          // the current one
	past        [windows]window // in no particular order
	turns       int
	known       int64 // the limit derived from the past windows
	spread      int64 // of retries, in seconds
	refused     uint64
}

// window is half an interval, or longer if no request arrived in time to end it.
type window struct {
	begin, end time.Time
	completed  int64 // in the current window, the total at its start; in a past one, the rate per interval
	refused    int64
}

func newOverload(deadline time.Duration) *overload {
	o := &overload{interval: deadline / intervalShare, known: alwaysAdmitted, spread: 1}
	if o.interval <= 0 {
		o.interval = defaultInterval
	}
	o.calm.Store(true)
	return o
}

// enter admits the request, after a short wait if necessary. An immediate refusal would invite an immediate retry,
// while a client that has to wait for its refusal can't retry often. The more requests are refused, the longer each of
// them waits, up to an interval.
func (o *overload) enter(r *http.Request) bool {
	return o.admit() || o.delay(exchangeOf(r.Context())) && o.admit()
}

// delay waits, but not beyond the deadline, and reports whether the client is still connected.
func (o *overload) delay(x *exchange) bool {
	o.mu.Lock()
	wait := min(time.Duration(o.spread)*o.interval/longestRetry, time.Until(x.deadline))
	o.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.parent.Done(): // not x.Done(), which would start a second timer
		return false
	}
}

// admit counts a request as in flight unless the limit is reached, and reports whether it did.
func (o *overload) admit() bool {
	for {
		n := o.inFlight.Load()
		if n >= alwaysAdmitted && !o.admits(n+1) {
			return false
		}
		if o.inFlight.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (o *overload) leave(*http.Request) {
	if o.inFlight.Add(-1) == alwaysAdmitted {
		o.calm.Store(true)
	}
}

// succeeded counts a request that completed without failing.
func (o *overload) succeeded() { o.completed.Add(1) }

// resume counts a request as in flight again after it has waited for its client. Because the request was admitted
// before, resume refuses it only at maxInFlight.
func (o *overload) resume() bool {
	if o.inFlight.Add(1) > maxInFlight {
		o.leave(nil)
		return false
	}
	return true
}

// admits reports whether a request may become the nth in flight, for n above 128.
func (o *overload) admits(n int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.mayBeginGrace(now) {
		o.calm.Store(false)
		o.graceEnds = now.Add(o.interval)
		o.window = window{begin: now, completed: o.completed.Load()}
		o.updateLimit(now)
	}
	if n <= o.limit(now) {
		return true
	}
	o.refusedLast = now
	return false
}

// memory returns how long windows and refusals are remembered.
func (o *overload) memory() time.Duration { return windows * o.interval / 2 }

// limit returns how many requests may be in flight. The caller must hold the mutex.
func (o *overload) limit(now time.Time) int64 {
	if now.Sub(o.window.begin) >= o.interval/2 {
		o.turn(now)
	}
	if now.Before(o.graceEnds) {
		return max(burst, o.known)
	}
	return o.known
}

// turn ends the current window and begins the next one. The caller must hold the mutex.
func (o *overload) turn(now time.Time) {
	ended, total := o.window, o.completed.Load()
	completed := total - ended.completed
	o.spread = min(1+ended.refused/max(completed, 1), longestRetry)
	ended.end = now
	ended.completed = int64(float64(completed) * float64(o.interval) / float64(now.Sub(ended.begin)))
	o.past[o.turns%windows] = ended
	o.turns++
	o.window = window{begin: now, completed: total}
	o.updateLimit(now)
}

// updateLimit derives the limit from the remembered windows. The caller must hold the mutex.
func (o *overload) updateLimit(now time.Time) {
	o.known = alwaysAdmitted
	for _, past := range o.past {
		if now.Sub(past.end) < o.memory() {
			o.known = min(max(o.known, past.completed), maxInFlight)
		}
	}
}

// retryAfter returns a random delay, so that retries are spread over about as many seconds as the service needs to
// serve the recently refused requests.
func (o *overload) retryAfter() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.window.refused++
	o.refused++
	return jittered(o.spread)
}

func (o *overload) load() load {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, most := time.Now(), o.known
	if now.Before(o.graceEnds) || o.mayBeginGrace(now) {
		most = max(burst, most)
	}
	return load{int(o.inFlight.Load()), int(most), o.refused}
}

// mayBeginGrace reports whether the next request beyond those that are always admitted begins a grace period. The caller
// must hold the mutex.
func (o *overload) mayBeginGrace(now time.Time) bool {
	return o.calm.Load() && now.Sub(o.refusedLast) > o.memory()
}

// readUncounted reads the body. While the body is being read, the request doesn't count as in flight, so that a client
// that sends slowly doesn't block others.
func readUncounted(r *http.Request) ([]byte, error) {
	x := exchangeOf(r.Context())
	limit, ok := x.limit.(*overload)
	if !ok {
		return io.ReadAll(r.Body)
	}
	limit.leave(nil)
	x.limit = nil
	body, err := io.ReadAll(r.Body)
	if !limit.resume() {
		return nil, tooMany(x.kind, limit)
	}
	x.limit = limit
	return body, err
}
