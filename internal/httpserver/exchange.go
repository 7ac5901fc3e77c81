package httpserver

import (
	"context"
	"sync"
	"time"
)

// exchange is a request's response and the context of both, in one allocation.
//
// The context ends at the request's deadline, like one from context.WithDeadline. It creates that context, with its
// timer, only when someone waits for the end or observes it: a request served from memory never does
// (BenchmarkRequest). From then on it delegates to that context, so that what it has reported never changes.
type exchange struct {
	requestInfo
	answer   response
	deadline time.Time

	mu    sync.Mutex
	timed context.Context // nil until it is needed
	end   context.CancelFunc
	over  bool
}

var _ context.Context = (*exchange)(nil)

// Deadline implements context.Context.
func (x *exchange) Deadline() (time.Time, bool) { return x.deadline, true }

// Done implements context.Context.
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

// Err implements context.Context.
func (x *exchange) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.timed == nil && !x.over && x.parent.Err() == nil && time.Now().Before(x.deadline) {
		return nil // nobody waits, and the end hasn't come
	}
	return x.context().Err()
}

// Value implements context.Context. The values that package context uses to link a child to its parent, and to find
// the cause of the end, come from the context that this one delegates to.
func (x *exchange) Value(key any) any {
	if key == (requestInfoKey{}) {
		return &x.requestInfo
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
	info := infoOf(ctx)
	return context.WithValue(info.parent, requestInfoKey{}, info)
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
