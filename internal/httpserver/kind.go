package httpserver

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"superheroes/internal/bounded"
)

// Kind is the kind of work that a route does. Each kind of work has its own limit on concurrent requests per service,
// so that no kind starves another. As long as at most 128 requests of a kind are in flight, none of them is refused
// before its deadline: requests that need a slot wait for one.
type Kind int

// The kinds. Fights and Reads have a limit that adapts to the service's throughput (overload); the other kinds have a
// fixed number of slots and a short queue.
const (
	Reads     Kind = iota // by key
	Fights                // fights and picks
	Lists                 // lists without ?name=
	Searches              // table scans: lists with ?name=, and counts
	Streams               // of events
	Writes                // changes of a catalog
	Checks                // readiness and health checks, which query the store
	Unlimited             // served from memory, or forwarded to a service with limits of its own
)

// String returns the name of the kind used in messages to clients.
func (k Kind) String() string {
	return [...]string{
		"reads", "fights and picks", "lists", "searches and counts", "streams", "writes", "health checks", "requests",
	}[k]
}

// label returns the name of the kind in metrics.
func (k Kind) label() string {
	return [...]string{"reads", "fights", "lists", "searches", "streams", "writes", "checks", "unlimited"}[k]
}

// limiter limits the concurrent requests of one kind.
type limiter interface {
	// enter reports whether the request may proceed. If it returns true, call leave after the response.
	enter(r *http.Request) bool
	leave(r *http.Request)
	// retryAfter returns how long a refused client should wait before it retries. The time varies, so that clients
	// refused together don't all retry together.
	retryAfter() time.Duration
	load() load
}

// load is the state of a limiter: the number of requests in progress, its current limit, and how many requests have been
// refused.
type load struct {
	running, most int
	refused       uint64
}

// slots is a limiter with a fixed number of concurrent requests. Further requests may wait for a slot until their
// deadline.
type slots struct {
	*bounded.Shares
	most    int
	refused *atomic.Uint64
}

func newSlots(running, waiting int) slots {
	return slots{bounded.NewShares(running, waiting), running, new(atomic.Uint64)}
}

func (s slots) enter(r *http.Request) bool { return s.Take(r.Context(), r.RemoteAddr) }
func (s slots) leave(r *http.Request)      { s.Give(r.RemoteAddr) }

func (s slots) retryAfter() time.Duration {
	s.refused.Add(1)
	return jittered(2)
}

func (s slots) load() load { return load{s.most - s.Free(), s.most, s.refused.Load()} }

// maxLists limits the concurrent lists per service; maxQueued limits the requests of each kind that wait for a slot.
const maxLists, maxQueued = 64, 192

// maxSearches returns the maximum number of concurrent searches: half of the cores stay free for everything else. The
// maximum is at least two, so that one address can't take all slots: a search whose client doesn't read the response
// keeps its slot until the write timeout.
func maxSearches() int { return max(2, runtime.GOMAXPROCS(0)/2) }

// limiter returns the service's limiter for a kind of work.
//
// A search scans a table, so a few searches keep the cores busy; running more at once would only slow down every search
// and everything else. Searches wait for a slot instead of being refused, because a client that retries waits just as
// long. Lists, writes and checks also wait for a slot. The queues are bounded: a request that would wait too long is
// refused at once. Streams never wait for a slot, because a stream never ends on its own.
func (a *API) limiter(kind Kind) limiter {
	if a.limiters[kind] == nil {
		a.limiters[kind] = []limiter{newLimiter(kind, a.cfg.Deadline)}
	}
	return a.limiters[kind][0]
}

func newLimiter(kind Kind, deadline time.Duration) limiter {
	switch kind {
	case Lists:
		return newSlots(maxLists, maxQueued)
	case Searches:
		return newSlots(maxSearches(), maxQueued)
	case Streams:
		return newSlots(1000, 0)
	case Writes, Checks:
		return newSlots(16, maxQueued)
	}
	return newOverload(deadline)
}

// limits holds the limiters for one route. The zero value is unlimited.
type limits struct {
	kind     Kind
	own      limiter
	searches limiter // of lists with ?name=
}

// limitsOf returns the limits for a route.
func (a *API) limitsOf(route Route) limits {
	switch {
	case route.Kind == Unlimited:
		return limits{}
	case route.Kind == Lists:
		return limits{Lists, a.limiter(Lists), a.limiter(Searches)}
	case route.Limit > 0:
		a.limiters[route.Kind] = []limiter{newSlots(route.Limit, 0)}
	}
	return limits{kind: route.Kind, own: a.limiter(route.Kind)}
}

// forwardedLists returns limits for lists that are forwarded to a service. The limits equal the receiving service's own
// limits for a single address, since all forwarded lists reach the service from this process's address. A single client
// address may use at most three quarters of these limits, so that no client can lock out the others.
func (a *API) forwardedLists() limits {
	l := limits{Lists, newSlots(maxLists*3/4, maxQueued), newSlots(max(2, maxSearches()*3/4), maxQueued)}
	a.limiters[Lists] = append(a.limiters[Lists], l.own)
	a.limiters[Searches] = append(a.limiters[Searches], l.searches)
	return l
}

// enter admits the request, or returns the problem for a request beyond the limit.
func (l limits) enter(r *http.Request, x *exchange) error {
	if l.own == nil {
		return nil
	}
	kind, limit := l.kind, l.own
	if kind == Lists && r.URL.RawQuery != "" && r.URL.Query().Has("name") {
		kind, limit = Searches, l.searches
	}
	if !limit.enter(r) {
		return tooMany(kind, limit)
	}
	x.kind, x.limit = kind, limit
	x.hurried = kind != Writes && x.shortOfTime() // the response to a write must state the outcome
	return nil
}

// noticeable is the shortest delay that counts as waiting for a slot; getting a free slot takes less time.
const noticeable = 100 * time.Millisecond

// shortOfTime reports whether a request spent most of its time waiting for its slot. In that case, the store isn't to
// blame for a missed deadline.
func (x *exchange) shortOfTime() bool {
	_, waits := x.limit.(slots)
	return waits && x.timeout-time.Until(x.deadline) > max(x.timeout/2, noticeable)
}

// leave releases the request's slot, if it still has one.
func (x *exchange) leave(r *http.Request) {
	if x.limit != nil {
		x.limit.leave(r)
		x.limit = nil
	}
}

// failed releases the slot of a request whose handler returned an error, and returns the error to report. If the
// deadline passed because the request had waited for its slot, the error says that there are too many requests of its
// kind.
func (x *exchange) failed(r *http.Request, err error) error {
	if x.hurried && x.status == 0 && errors.Is(err, context.DeadlineExceeded) {
		err = tooMany(x.kind, x.limit).Because(err)
	}
	x.responding(problemOf(err).Status)
	x.leave(r)
	return err
}

// responding releases the slot of a request whose whole response is produced before any of it is sent, so that slow
// readers block nobody. Lists and streams keep their slots, because their responses are produced while they are being
// sent.
func (x *exchange) responding(status int) {
	if limit, ok := x.limit.(*overload); ok {
		if status < http.StatusInternalServerError {
			limit.succeeded()
		}
		limit.leave(nil)
		x.limit = nil
	}
}

// tooMany returns the problem for a request beyond the limit of its kind.
func tooMany(kind Kind, limit limiter) *Problem {
	problem := Unavailable("too many %s at once; retry later", kind)
	problem.RetryAfter, problem.refused = limit.retryAfter(), true
	return problem
}

// refuse responds to a request beyond the limit of its kind.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, problem *Problem) {
	a.logProblem(r, problem)
	if r.ContentLength == 0 || r.ProtoMajor > 1 { // over HTTP/2 the response ends the stream
		writeProblem(w, problem)
		return
	}
	// net/http would either read the body before it sends the response, however long that takes, or close the
	// connection. Therefore, refuse sends the response and then reads the body itself.
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	writeProblem(w, problem)
	_ = control.Flush()
	_, _ = io.Copy(io.Discard, r.Body) // at most MaxBody; an error ends the connection
}

// jittered returns a random whole number of seconds from 1 to 1+spread.
func jittered(spread int64) time.Duration {
	return time.Second * time.Duration(1+rand.N(spread+1))
}
