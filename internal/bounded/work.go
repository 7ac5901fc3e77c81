package bounded

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Work is what goes on when its caller leaves, such as reads of a store or calls of a peer. To cut it short would close the
// connection that it runs on, in most drivers: clients in a hurry would take the connections of everybody else. It may be
// used concurrently.
type Work struct {
	limit   time.Duration
	slots   []*Slots
	most    int64
	left    atomic.Int64 // whose callers have left
	life    context.Context
	end     context.CancelCauseFunc
	mu      sync.Mutex // of closed, and of what begins to run
	closed  bool
	running sync.WaitGroup
}

// ErrClosed means that the work was begun, or was still under way, when Close was called.
var ErrClosed = errors.New("the service is stopping")

// Unlimited has any number of callers leave: no more than there are slots.
const Unlimited = -1

// NewWork returns work that may take limit, or any time with 0, and needs a slot of each of these. At most so many go on
// whose callers have left; what others leave is cut short.
func NewWork(limit time.Duration, left int, slots ...*Slots) *Work {
	w := &Work{limit: limit, slots: slots, most: int64(left)}
	w.life, w.end = context.WithCancelCause(context.Background())
	return w
}

// PanicError is a panic of work, which in a goroutine of its own would end the process.
type PanicError struct {
	Cause any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Cause, e.Stack) }

// task is one piece of work, with the context that it runs with: that of Work, with the values of the caller's.
type task[R any] struct {
	context.Context
	caller context.Context
	result R
	err    error
	done   chan struct{} // closed when there is a result
	state  atomic.Int32
}

// What a task's state says.
const (
	awaited   = iota // the caller waits
	abandoned        // the caller has left
	ended
)

// Value implements context.Context. What package context asks for to tie a context to its parent comes from the parent.
func (t *task[R]) Value(key any) any {
	if value := t.Context.Value(key); value != nil {
		return value
	}
	return t.caller.Value(key)
}

// Do runs do in a goroutine of its own when there are slots for it, and returns what it returns; when ctx ends before that,
// the cause, while do goes on. A panic of do is a PanicError. Do fails as Slots.Take does when there is no slot in time.
func Do[R any](ctx context.Context, w *Work, do func(context.Context) (R, error)) (R, error) {
	t := &task[R]{caller: ctx, done: make(chan struct{})}
	if err := w.begin(ctx); err != nil {
		return t.result, err
	}
	cancel := t.bound(w)
	go t.run(w, cancel, do)
	select {
	case <-t.done:
		return t.result, t.err
	case <-ctx.Done():
	}
	if !t.state.CompareAndSwap(awaited, abandoned) {
		<-t.done
		return t.result, t.err
	}
	if n := w.left.Add(1); w.most != Unlimited && n > w.most {
		cancel()
	}
	var none R
	return none, context.Cause(ctx)
}

// bound gives the task its context.
func (t *task[R]) bound(w *Work) context.CancelFunc {
	var cancel context.CancelFunc
	if w.limit > 0 {
		t.Context, cancel = context.WithTimeout(w.life, w.limit)
	} else {
		t.Context, cancel = context.WithCancel(w.life)
	}
	return cancel
}

// begin takes the slots. When it returns nil, run must follow.
func (w *Work) begin(ctx context.Context) error {
	for i, slots := range w.slots {
		if err := slots.Take(ctx); err != nil {
			w.give(i, err)
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed { // by now: what is running must not grow while Close waits
		w.give(len(w.slots), ErrClosed)
		return ErrClosed
	}
	w.running.Add(1)
	return nil
}

// give gives the first n slots back.
func (w *Work) give(n int, err error) {
	for _, slots := range w.slots[:n] {
		slots.Give(err)
	}
}

// run does the work and gives back whatever it holds.
func (t *task[R]) run(w *Work, cancel context.CancelFunc, do func(context.Context) (R, error)) {
	defer w.running.Done()
	defer close(t.done)
	defer func() {
		if cause := recover(); cause != nil {
			t.err = &PanicError{cause, debug.Stack()}
		}
		cancel()
		w.give(len(w.slots), t.err)
		if !t.state.CompareAndSwap(awaited, ended) {
			w.left.Add(-1)
		}
	}()
	t.result, t.err = do(t)
}

// Close ends the work under way, and waits for its end. What is begun later fails with ErrClosed.
func (w *Work) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.end(ErrClosed)
	w.running.Wait()
}

// Life returns the context that ends with Close.
func (w *Work) Life() context.Context { return w.life }
