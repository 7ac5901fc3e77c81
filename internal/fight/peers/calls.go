package peers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
)

// calls are the calls of one peer. Each has a context of its own and goes on when its caller leaves: a call that is cut
// short costs the peer a connection, and says nothing about it. So a caller who is in a hurry, or whose fight has failed
// at another peer, takes nothing from anybody: the connection is used again, and the breaker hears how the peer did.
//
// A call takes at most limit. There are as many slots for calls as connections, and at most half of them are held by calls
// whose callers have left; beyond that, such calls are cut short. It may be used concurrently.
type calls struct {
	limit   time.Duration // of a call
	timed   bool          // the transport doesn't keep to the limit by itself
	read    time.Duration // that a peer has to answer
	fair    time.Duration // what a caller must have waited, for its deadline to show that the peer is slow
	breaker breaker
	slots   chan struct{} // one for each call under way
	life    context.Context
	end     context.CancelCauseFunc

	mu      sync.Mutex
	closed  bool
	left    int // calls under way whose callers have left
	running sync.WaitGroup
}

var errClosed = errors.New("the service is stopping")

func newCalls(cfg Config, timed bool) *calls {
	c := &calls{
		timed:   timed,
		limit:   cfg.Connect + cfg.Read,
		read:    cfg.Read,
		fair:    cfg.Read / patience,
		breaker: breaker{failures: cfg.BreakerFailures, delay: cfg.BreakerDelay},
		slots:   make(chan struct{}, cfg.MaxConnections),
	}
	c.life, c.end = context.WithCancelCause(context.Background())
	return c
}

// call is one of them.
type call struct {
	values   detached
	ctx      context.Context
	cancel   context.CancelFunc
	begin    time.Time
	deadline time.Time     // that the peer is told; zero for none
	guarded  bool          // by the breaker
	permit   permit        // of the breaker
	done     chan struct{} // closed when the call has ended
	err      error         // of the call, then

	left, ended bool // guarded by the mutex of calls
}

// do runs ask, which makes one call of the peer, in the background, and waits for its end or for that of ctx. A guarded
// call fails with fight.ErrOpen when the breaker is open. Without a slot in time it fails with fight.ErrBusy.
func (c *calls) do(ctx context.Context, guarded bool, ask func(context.Context) error) error {
	called := &call{guarded: guarded, begin: time.Now(), done: make(chan struct{})}
	called.deadline, _ = ctx.Deadline()
	if ctx.Err() != nil {
		return c.gaveUp(ctx, called.begin)
	}
	if err := c.admit(ctx, called); err != nil {
		return err
	}
	called.values = detached{c.life, ctx}
	if c.timed {
		called.ctx, called.cancel = context.WithTimeout(&called.values, c.limit)
	} else {
		called.ctx, called.cancel = context.WithCancel(&called.values)
	}
	go c.run(called, ask)
	select {
	case <-called.done:
		return called.err
	case <-ctx.Done():
	}
	if !c.leave(called) {
		return called.err
	}
	return c.gaveUp(ctx, called.begin)
}

// gaveUp returns why a caller who began to wait then doesn't wait any more.
func (c *calls) gaveUp(ctx context.Context, begin time.Time) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(begin) < c.fair {
		return fmt.Errorf("%w: %w", fight.ErrNoTime, context.Cause(ctx))
	}
	return context.Cause(ctx)
}

// doHere is do for a caller that stays to the end. deadline is what the peer is told.
func (c *calls) doHere(ctx context.Context, deadline time.Time, ask func(context.Context) error) error {
	called := &call{guarded: true, begin: time.Now(), deadline: deadline, done: make(chan struct{}), values: detached{c.life, ctx}}
	called.ctx, called.cancel = context.WithTimeout(&called.values, c.limit)
	if err := c.admit(called.ctx, called); err != nil {
		called.cancel()
		return err
	}
	c.run(called, ask)
	return called.err
}

// detached is a context with the values of another.
type detached struct {
	context.Context
	values context.Context
}

// Value implements context.Context. What package context asks for to tie a context to its parent comes from the parent.
func (d *detached) Value(key any) any {
	if value := d.Context.Value(key); value != nil {
		return value
	}
	return d.values.Value(key)
}

// admit asks the breaker and waits for a slot, for as long as ctx lasts. Whoever is admitted must run.
func (c *calls) admit(ctx context.Context, called *call) error {
	if called.guarded && c.breaker.refuses() {
		return fight.ErrOpen
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", fight.ErrBusy, context.Cause(ctx))
	}
	if called.guarded {
		var ok bool
		if called.permit, ok = c.breaker.admit(); !ok {
			<-c.slots
			return fight.ErrOpen
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed { // by now: running must not grow while Close waits
		c.free(called, unknown)
		return errClosed
	}
	c.running.Add(1)
	return nil
}

// run makes the call and gives back whatever it holds, also when ask panics: that is the call's error.
func (c *calls) run(called *call, ask func(context.Context) error) {
	what := unknown
	defer func() {
		called.cancel()
		c.free(called, what)
		c.mu.Lock()
		defer c.mu.Unlock()
		called.ended = true
		if called.left {
			c.left--
		}
		close(called.done)
		c.running.Done()
	}()
	called.err = fight.Guard(called.ctx, ask)
	what = c.outcomeOf(called)
	called.err = c.tooLate(called)
}

// tooLate returns the error of a call that has ended. A peer that reports an error when the time is up that it was told
// has had too little, and not failed for another reason.
func (c *calls) tooLate(called *call) error {
	var refusal statusError
	switch {
	case !called.overdue() || !errors.As(called.err, &refusal) || refusal.status < http.StatusInternalServerError:
		return called.err
	case time.Since(called.begin) < c.fair:
		return fmt.Errorf("%w: %w", fight.ErrNoTime, called.err)
	}
	return fmt.Errorf("%w: %w", context.DeadlineExceeded, called.err)
}

// overdue reports whether the time is up that the peer was told.
func (c *call) overdue() bool { return !c.deadline.IsZero() && !time.Now().Before(c.deadline) }

// free gives the slot back, and tells the breaker what became of the call.
func (c *calls) free(called *call, what outcome) {
	if called.guarded {
		c.breaker.record(called.permit, what)
	}
	<-c.slots
}

// leave notes that the caller doesn't wait for the call any more, and reports false when that has just ended.
func (c *calls) leave(called *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case called.ended:
		return false
	case c.left >= cap(c.slots)/2:
		called.cancel()
	default:
		called.left = true
		c.left++
	}
	return true
}

// outcomeOf returns what a call that has ended tells about the peer. That a peer fails when the time is up that it was told
// tells nothing, unless that was about the whole read time-out, or it hasn't answered within that.
func (c *calls) outcomeOf(called *call) outcome {
	err := called.err
	if err == nil || errors.Is(err, catalog.ErrEmpty) || errors.Is(err, errNoBatches) {
		return succeeded
	}
	var panicked *fight.PanicError
	switch {
	case errors.As(err, &panicked), errors.Is(err, context.Canceled), errors.Is(err, errClosed):
		return unknown
	case fight.IsTimeout(err):
		return failed
	case called.overdue() && called.deadline.Sub(called.begin) < c.read*9/10:
		return unknown
	}
	return failed
}

// close ends all calls, and waits until they have ended.
func (c *calls) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end(errClosed)
	c.running.Wait()
}

// transport is how a request gets to the peer.
type transport interface {
	http.RoundTripper
	CloseIdleConnections()
}
