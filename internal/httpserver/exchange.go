package httpserver

import (
	"context"
	"sync"
	"time"
)

// exchange is one request and its answer, and the context that both have, in one allocation.
//
// The context ends at the request's deadline, as context.WithDeadline's would. But it makes that one, with its timer,
// only when somebody waits for the end, or has found that it has come: a request that is answered from memory never does
// (BenchmarkRequest). From then on that context answers for it, so that whatever was said of the end stays said.
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

// context makes the context that answers for this one. The mutex is held.
func (x *exchange) context() context.Context {
	if x.timed != nil {
		return x.timed
	}
	if x.over { // canceled, whatever the time is by now
		x.timed, x.end = context.WithCancel(x.parent)
		x.end()
		return x.timed
	}
	x.timed, x.end = context.WithDeadline(x.parent, x.deadline)
	return x.timed
}

// settled returns the context that answers for this one, nil when it isn't needed: nobody waits, and the end hasn't come.
// The mutex is held.
func (x *exchange) settled() context.Context {
	if x.timed == nil && !x.over && x.parent.Err() == nil && time.Now().Before(x.deadline) {
		return nil
	}
	return x.context()
}

// Err implements context.Context.
func (x *exchange) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if settled := x.settled(); settled != nil {
		return settled.Err()
	}
	return nil
}

// Value implements context.Context. What package context asks for to tie a context to its parent, and for the cause of its
// end, comes from the one that answers for it.
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

// Lasting returns the context of a request without its deadline, for an answer of any length. It ends when the client has
// left.
func Lasting(ctx context.Context) context.Context {
	info := infoOf(ctx)
	if info == nil {
		return ctx
	}
	return context.WithValue(info.parent, requestInfoKey{}, info)
}

// finish ends the context, when the request has been answered.
func (x *exchange) finish() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	if x.end != nil {
		x.end()
	}
}
