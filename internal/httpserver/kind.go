package httpserver

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"time"
)

// Kind is the kind of work that a route does. Each kind has its own limit of requests under way in a service, so that no
// kind starves another. While at most 128 requests of a kind are under way, none is refused before its deadline: those that
// need a slot wait for it.
type Kind int

// The kinds. Fights and Reads have a limit that follows what the service achieves (overload); the others have slots, and a
// short queue before them.
const (
	Reads     Kind = iota // by key
	Fights                // fights and picks
	Lists                 // lists without ?name=
	Searches              // scans of a table: lists with ?name=, and counts
	Streams               // of events
	Writes                // changes of a catalog
	Checks                // readiness and health, which ask the store
	Unlimited             // answered from memory, or passed on to a service that has limits of its own
)

// String returns the kind as a client reads it.
func (k Kind) String() string {
	return [...]string{
		"reads", "fights and picks", "lists", "searches and counts", "streams", "writes", "health checks", "requests",
	}[k]
}

// limiter bounds the requests under way of one kind.
type limiter interface {
	// enter reports whether the request may go on; leave must then be called when it has been answered.
	enter(r *http.Request) bool
	leave(r *http.Request)
	// retryAfter is when a request that was refused should come back. Clients refused together are told different times.
	retryAfter() time.Duration
}

// How many lists of a service are under way at a time, and how many requests of one kind wait for a slot.
const lists, queued = 64, 192

// searches is how many searches are under way at a time: as many as leave half of the cores to everything else, but two at least,
// of which one address gets one. A search whose client does not read it keeps its slot until the write time-out.
func searches() int { return max(2, runtime.GOMAXPROCS(0)/2) }

// newLimiters returns the limiters of one service.
//
// A search scans a table, so a few keep the cores busy; more at a time would only make each of them, and everything else,
// slower. They wait for a slot instead of being refused, because a client that comes back later waits no less. So do lists,
// writes and checks. The queues are bounded: a request that would wait for long is refused at once. A stream never ends by
// itself, so nobody waits for one.
func newLimiters(deadline time.Duration) map[Kind]limiter {
	return map[Kind]limiter{
		Reads:    newOverload(deadline),
		Fights:   newOverload(deadline),
		Lists:    newSlots(lists, queued),
		Searches: newSlots(searches(), queued),
		Streams:  newSlots(1000, 0),
		Writes:   newSlots(16, queued),
		Checks:   newSlots(16, queued),
	}
}

// admitted returns the route's handler behind the limit of its kind. A refused request is answered before its body is read.
func (a *API) admitted(route Route) Handler {
	if route.Kind == Unlimited {
		return route.Serve
	}
	own := a.limiters[route.Kind]
	if route.Limit > 0 {
		own = newSlots(route.Limit, 0)
	}
	return limited(route.Kind, own, a.limiters[Searches], route.Serve)
}

// Forwarded returns the handler of lists that are passed on to a service, behind limits of their own: as many as the
// service has for one address, since it sees that of this process. So no client here takes the turns of the others there.
func Forwarded(serve Handler) Handler {
	return limited(Lists, newSlots(lists*3/4, queued), newSlots(max(2, searches()*3/4), queued), serve)
}

// limited returns a handler behind the limit of its kind; lists with ?name= have that of searches.
func limited(of Kind, own, searches limiter, serve Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		kind, limit := of, own
		if kind == Lists && r.URL.RawQuery != "" && r.URL.Query().Has("name") {
			kind, limit = Searches, searches
		}
		if !limit.enter(r) {
			return tooMany(kind, limit)
		}
		info := infoOf(r.Context())
		info.kind, info.limit = kind, limit
		defer info.leave(r)
		short := kind != Writes && shortOfTime(r, limit) // the answer to a write says what became of it
		err := serve(w, r)
		if answer, ok := w.(*response); short && ok && answer.status == 0 && errors.Is(err, context.DeadlineExceeded) {
			err = tooMany(kind, limit).Because(err)
		}
		if err != nil {
			info.answering(problemOf(err).Status)
		}
		return err
	}
}

// noticeable is longer than a request takes to its slot when it needn't wait.
const noticeable = 100 * time.Millisecond

// shortOfTime reports whether a request spent most of its time waiting for its slot. When its deadline passes then, that says
// nothing about the store.
func shortOfTime(r *http.Request, limit limiter) bool {
	deadline, _ := r.Context().Deadline()
	_, waits := limit.(*slots)
	timeout := infoOf(r.Context()).timeout
	return waits && timeout-time.Until(deadline) > max(timeout/2, noticeable)
}

// leave gives up the request's place, if it still has one.
func (i *requestInfo) leave(r *http.Request) {
	if i.limit != nil {
		i.limit.leave(r)
		i.limit = nil
	}
}

// answering gives up the place of a request whose answer begins, where the whole of it is made by then: a client that
// doesn't read it takes nothing from others. Lists and streams keep their place: they are still being made.
func (i *requestInfo) answering(status int) {
	if limit, ok := i.limit.(*overload); ok {
		if status < http.StatusInternalServerError {
			limit.achieved()
		}
		limit.leave(nil)
		i.limit = nil
	}
}

// tooMany is the answer to a request beyond the limit of its kind.
func tooMany(kind Kind, limit limiter) *Problem {
	return &Problem{
		Title: http.StatusText(http.StatusServiceUnavailable), Status: http.StatusServiceUnavailable,
		Detail: "too many " + kind.String() + " at once; retry later", RetryAfter: limit.retryAfter(), refused: true, kind: kind,
	}
}

// refuse answers a request beyond the limit of its kind.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, problem *Problem) {
	a.logProblem(r, problem)
	if r.ContentLength == 0 || r.ProtoMajor > 1 { // over HTTP/2 the response ends here, and with it the stream
		writeProblem(w, problem)
		return
	}
	// net/http would read the body first, however long that takes. And it loses the connection when it reads the body after
	// the response, so that is done here.
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	writeProblem(w, problem)
	_ = control.Flush()
	_, _ = io.Copy(io.Discard, r.Body) // at most MaxBody; an error ends the connection
}

// jittered spreads clients over the seconds from 1 to 1+spread.
func jittered(spread int64) time.Duration {
	return time.Second * time.Duration(1+rand.N(spread+1))
}
