package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"superheroes/internal/bounded"
	"superheroes/internal/catalog"
	"superheroes/internal/fight"
)

// calls are the calls of one peer. Each has a context of its own and goes on when its caller leaves: a call that is cut
// short costs the peer a connection, and says nothing about it. So a caller who is in a hurry, or whose fight has failed
// at another peer, takes nothing from anybody: the connection is used again, and the breaker hears how the peer did.
//
// There are as many slots for calls as connections, and at most half of them are held by calls whose callers have left;
// beyond that, such calls are cut short. It may be used concurrently.
type calls struct {
	limit   time.Duration // of a call
	read    time.Duration // that a peer has to answer
	fair    time.Duration // what a caller must have waited, for its deadline to show that the peer is slow
	breaker breaker
	slots   *bounded.Slots // one for each call under way
	work    *bounded.Work
}

// newCalls returns the calls of a peer. With timed they have to be ended at the limit: the transport doesn't keep to it by itself.
func newCalls(cfg Config, timed bool) *calls {
	c := &calls{
		limit:   cfg.Connect + cfg.Read,
		read:    cfg.Read,
		fair:    cfg.Read / patience,
		breaker: breaker{failures: cfg.BreakerFailures, delay: cfg.BreakerDelay},
		slots:   bounded.NewSlots("calls", cfg.MaxConnections),
	}
	limit := c.limit
	if !timed {
		limit = 0
	}
	c.work = bounded.NewWork(limit, cfg.MaxConnections/2, c.slots)
	return c
}

// call is one of them.
type call struct {
	begin    time.Time
	deadline time.Time // that the peer is told; zero for none
	guarded  bool      // by the breaker
}

// overdue reports whether the time is up that the peer was told.
func (c call) overdue() bool { return !c.deadline.IsZero() && !time.Now().Before(c.deadline) }

// do runs ask, which makes one call of the peer, in the background, and waits for its end or for that of ctx. A guarded
// call fails with fight.ErrOpen when the breaker is open. Without a slot in time it fails with fight.ErrBusy.
func (c *calls) do(ctx context.Context, guarded bool, ask func(context.Context) error) error {
	deadline, _ := ctx.Deadline()
	return c.until(ctx, call{time.Now(), deadline, guarded}, ask)
}

// doLonger is do for a caller that waits until the call has ended. deadline is what the peer is told.
func (c *calls) doLonger(ctx context.Context, deadline time.Time, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*c.limit) // half of it to wait for a slot
	defer cancel()
	return c.until(ctx, call{time.Now(), deadline, true}, ask)
}

func (c *calls) until(ctx context.Context, called call, ask func(context.Context) error) error {
	switch {
	case ctx.Err() != nil:
		return c.gaveUp(ctx, called.begin)
	case called.guarded && c.breaker.refuses():
		return fight.ErrOpen
	}
	made, err := bounded.Do(ctx, c.work, func(ctx context.Context) (bool, error) { return true, c.make(ctx, called, ask) })
	switch {
	case made, errors.Is(err, bounded.ErrClosed), errors.As(err, new(*bounded.PanicError)):
		return err
	case errors.As(err, new(*bounded.FullError)):
		return fmt.Errorf("%w: %w", fight.ErrBusy, context.Cause(ctx))
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

// make makes a call and tells the breaker what became of it, also when ask panics: that is the call's error.
func (c *calls) make(ctx context.Context, called call, ask func(context.Context) error) error {
	var admitted permit
	if called.guarded {
		var ok bool
		if admitted, ok = c.breaker.admit(); !ok {
			return fight.ErrOpen
		}
	}
	err := fight.Guard(ctx, ask)
	if called.guarded {
		c.breaker.record(admitted, c.outcomeOf(called, err))
	}
	return c.tooLate(called, err)
}

// tooLate returns the error of a call that has ended. A peer that reports an error when the time is up that it was told
// has had too little, and not failed for another reason.
func (c *calls) tooLate(called call, err error) error {
	var refusal statusError
	switch {
	case !called.overdue() || !errors.As(err, &refusal) || refusal.status < http.StatusInternalServerError:
		return err
	case time.Since(called.begin) < c.fair:
		return fmt.Errorf("%w: %w", fight.ErrNoTime, err)
	}
	return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
}

// outcomeOf returns what a call that has ended tells about the peer. That a peer fails when the time is up that it was told
// tells nothing, unless that was about the whole read time-out, or it hasn't answered within that.
func (c *calls) outcomeOf(called call, err error) outcome {
	if err == nil || errors.Is(err, catalog.ErrEmpty) || errors.Is(err, errNoBatches) {
		return succeeded
	}
	var panicked *fight.PanicError
	switch {
	case errors.As(err, &panicked), errors.Is(err, context.Canceled), errors.Is(err, bounded.ErrClosed):
		return unknown
	case fight.IsTimeout(err):
		return failed
	case called.overdue() && called.deadline.Sub(called.begin) < c.read*9/10:
		return unknown
	}
	return failed
}

// transport is how a request gets to the peer.
type transport interface {
	http.RoundTripper
	CloseIdleConnections()
}
