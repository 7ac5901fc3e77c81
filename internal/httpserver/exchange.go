package httpserver

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// exchange is a request that is being handled: its id and limits, its response writer and its context, in one
// allocation.
//
// The context ends at the request's deadline, like one from context.WithDeadline. It creates that context, with its
// timer, only when someone waits for the end or observes it: a request served from memory never does
// (BenchmarkRequest). From then on it delegates to that context, so that what it has reported never changes.
type exchange struct {
	http.ResponseWriter
	id           string
	timeout      time.Duration   // of the request, or of each step of a stream
	writeTimeout time.Duration   // of each step of a stream
	parent       context.Context // the request's context without its deadline
	deadline     time.Time
	kind         Kind
	limit        limiter // while the request counts against its kind's limit
	status       int     // 0 until the response has begun
	drop         bool    // discard the plain text of the response, which has been replaced
	hurried      bool    // most of its time passed before it got its slot
	pauses       bool    // the write timeout is suspended between writes

	mu    sync.Mutex
	timed context.Context // nil until it is needed
	end   context.CancelFunc
	over  bool
}

type exchangeKey struct{}

// exchangeOf returns the exchange that ctx belongs to, or nil.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Deadline implements context.Context, as Done, Err and Value do.
func (x *exchange) Deadline() (time.Time, bool) { return x.deadline, true }

func (x *exchange) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.context().Done()
}

// context creates the context that this one delegates to. The caller holds the mutex.
func (x *exchange) context() context.Context {
	if x.timed != nil {
		return x.timed
	}
	if x.over { // canceled, even if the deadline has passed since
		x.timed, x.end = context.WithCancel(x.parent)
		x.end()
		return x.timed
	}
	x.timed, x.end = context.WithDeadline(x.parent, x.deadline)
	return x.timed
}

func (x *exchange) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.timed == nil && !x.over && x.parent.Err() == nil && time.Now().Before(x.deadline) {
		return nil // nobody waits, and the end hasn't come
	}
	return x.context().Err()
}

// The values that package context uses to link a child to its parent, and to find the cause of the end, come from the
// context that this one delegates to.
func (x *exchange) Value(key any) any {
	if key == (exchangeKey{}) {
		return x
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.timed != nil {
		return x.timed.Value(key)
	}
	return x.parent.Value(key)
}

// Lasting returns a request's context without its deadline, for a response of any length. It ends when the client
// disconnects.
func Lasting(ctx context.Context) context.Context {
	x := exchangeOf(ctx)
	return context.WithValue(x.parent, exchangeKey{}, x)
}

// finish ends the context after the response.
func (x *exchange) finish() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	if x.end != nil {
		x.end()
	}
}
