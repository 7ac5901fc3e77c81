package bounded

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"
)

// Work runs operations that continue after their caller has left, such as reads from a store or calls to a peer. With
// most drivers, canceling an operation closes its connection. If operations were canceled as soon as their clients
// left, impatient clients would drain the shared pool. Work is safe for concurrent use.
type Work struct {
	limit   time.Duration
	slots   []*Slots
	most    int
	life    context.Context
	end     context.CancelCauseFunc
	workers Workers

	mu   sync.Mutex // also held while an operation ends
	left int        // abandoned operations in progress
}

// ErrClosed means that an operation was started after Close, or was canceled by Close.
var ErrClosed = errors.New("the service is stopping")

// Unlimited lets every abandoned operation continue, so that only the slots limit their number.
const Unlimited = -1

// NewWork returns a Work. Each of its operations needs a slot of every given kind, and is canceled after limit, if
// limit isn't 0. The left parameter is the number of operations that may continue after their callers have left;
// further ones are canceled.
func NewWork(limit time.Duration, left int, slots ...*Slots) *Work {
	w := &Work{limit: limit, slots: slots, most: left}
	w.life, w.end = context.WithCancelCause(context.Background())
	return w
}

// PanicError reports that an operation panicked. Left unrecovered in the operation's goroutine, the panic would crash
// the process.
type PanicError struct {
	Cause any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Cause, e.Stack) }

// task is an operation that also serves as its own context, with the lifetime of the Work and the values of the
// caller's context.
type task[R any] struct {
	context.Context
	caller context.Context
	result R
	err    error
	done   chan struct{} // closed when the result is available
	left   bool          // the caller has left
}

// Value implements context.Context. Value queries the parent context before the caller's context, since package context
// uses Value to link a context to its parent.
func (t *task[R]) Value(key any) any {
	if value := t.Context.Value(key); value != nil {
		return value
	}
	return t.caller.Value(key)
}

// Do waits for slots, runs do in another goroutine, and returns the result. If ctx ends first, Do returns the cause while
// do continues. If do panics, Do returns a PanicError. If a slot isn't free in time, Do returns the error from
// Slots.Take.
func Do[R any](ctx context.Context, w *Work, do func(context.Context) (R, error)) (R, error) {
	t := &task[R]{caller: ctx, done: make(chan struct{})}
	if err := w.takeSlots(ctx); err != nil {
		return t.result, err
	}
	var cancel context.CancelFunc
	if w.limit > 0 {
		t.Context, cancel = context.WithTimeout(w.life, w.limit)
	} else {
		t.Context, cancel = context.WithCancel(w.life)
	}
	if !w.workers.Go(func() { t.run(w, cancel, do) }) {
		cancel()
		w.give(len(w.slots), ErrClosed)
		return t.result, ErrClosed
	}
	select {
	case <-t.done:
		return t.result, t.err
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-t.done: // do finished just as ctx ended
		return t.result, t.err
	default:
	}
	t.left = true
	if w.left++; w.most != Unlimited && w.left > w.most {
		cancel()
	}
	var none R
	return none, context.Cause(ctx)
}

// takeSlots acquires a slot of every kind. The caller must release them with give.
func (w *Work) takeSlots(ctx context.Context) error {
	for i, slots := range w.slots {
		if err := slots.Take(ctx); err != nil {
			w.give(i, err)
			return err
		}
	}
	return nil
}

// give releases the first n slots.
func (w *Work) give(n int, err error) {
	for _, slots := range w.slots[:n] {
		slots.Give(err)
	}
}

// run runs the operation and then releases its slots.
func (t *task[R]) run(w *Work, cancel context.CancelFunc, do func(context.Context) (R, error)) {
	defer func() {
		if cause := recover(); cause != nil {
			t.err = &PanicError{cause, debug.Stack()}
		}
		cancel()
		w.give(len(w.slots), t.err)
		w.mu.Lock()
		defer w.mu.Unlock()
		if t.left {
			w.left--
		}
		close(t.done)
	}()
	pprof.SetGoroutineLabels(t) // those of the caller, instead of the previous task's
	t.result, t.err = do(t)
}

// Close cancels the operations in progress and waits for them. Operations started later fail with ErrClosed.
func (w *Work) Close() {
	w.end(ErrClosed)
	w.workers.Close()
}

// Life returns the context that Close cancels.
func (w *Work) Life() context.Context { return w.life }

// Reads limits the concurrent reads (reads by key and lists) that share a store's connection pool. A read continues
// after its client has left, and lists leave connections free for reads by key.
type Reads struct{ ByKey, Lists *Work }

// NewReads returns Reads for a pool with the given number of connections. Lists may use a quarter of the connections,
// but at least one. A read is canceled after limit, if limit isn't 0. With a single connection, a read by key may have
// to wait for a page of a list.
func NewReads(connections int, limit time.Duration) Reads {
	all := NewSlots("reads", connections)
	return Reads{
		ByKey: NewWork(limit, Unlimited, all),
		Lists: NewWork(limit, Unlimited, NewSlots("lists", connections/4), all),
	}
}

// Close cancels the reads in progress and waits for them.
func (r Reads) Close() {
	r.ByKey.Close()
	r.Lists.Close()
}
