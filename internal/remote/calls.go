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

// calls makes the calls to one peer. Each call has its own context and continues after its caller has given up, because
// canceling the call would close its connection and reveal nothing about the peer. So callers may give up at any time,
// for instance when another peer has failed: the connection is reused, and the outcome still counts for the circuit
// breaker.
//
// The number of concurrent calls is limited to the maximum number of connections. At most half of the calls in flight
// may be abandoned calls; further abandoned calls are canceled. It is safe for concurrent use.
type calls struct {
	limit   time.Duration // of a call
	read    time.Duration // time allowed for the peer's response
	fair    time.Duration // minimum time that a caller must have waited before its deadline counts against the peer
	breaker breaker
	slots   *bounded.Slots // a slot for each call in flight
	work    *bounded.Work
}

// newCalls returns the calls to one peer. If timed is true, calls are canceled at the time limit; otherwise the
// transport enforces it.
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

// call describes one call.
type call struct {
	begin    time.Time
	deadline time.Time // the deadline sent to the peer; zero for none
	guarded  bool      // by the breaker
}

// overdue reports whether the deadline sent to the peer has passed.
func (c call) overdue() bool { return !c.deadline.IsZero() && !time.Now().Before(c.deadline) }

// do makes one call to the peer by running ask in the background, and waits until ask returns or ctx ends. A guarded
// call fails with fight.ErrOpen if the breaker is open. If no slot becomes free in time, do fails with fight.ErrBusy.
func (c *calls) do(ctx context.Context, guarded bool, ask func(context.Context) error) error {
	deadline, _ := ctx.Deadline()
	return c.doUntil(ctx, call{time.Now(), deadline, guarded}, ask)
}

// doLonger is like do, but waits until the call has ended, regardless of the deadline of ctx. The given deadline is
// sent to the peer.
func (c *calls) doLonger(ctx context.Context, deadline time.Time, ask func(context.Context) error) error {
	// Half of the timeout is for waiting for a slot, and half is for the call itself.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*c.limit)
	defer cancel()
	return c.doUntil(ctx, call{time.Now(), deadline, true}, ask)
}

func (c *calls) doUntil(ctx context.Context, called call, ask func(context.Context) error) error {
	switch {
	case ctx.Err() != nil:
		return c.gaveUp(ctx, called.begin)
	case called.guarded && c.breaker.rejects():
		return fight.ErrOpen
	}
	made, err := bounded.Do(ctx, c.work, func(ctx context.Context) (bool, error) { return true, c.run(ctx, called, ask) })
	switch {
	case made, errors.Is(err, bounded.ErrClosed), errors.As(err, new(*bounded.PanicError)):
		return err
	case errors.As(err, new(*bounded.FullError)):
		return fmt.Errorf("%w: %w", fight.ErrBusy, context.Cause(ctx))
	}
	return c.gaveUp(ctx, called.begin)
}

// gaveUp returns the error for a caller whose context has ended. begin is the time at which the caller began to wait.
func (c *calls) gaveUp(ctx context.Context, begin time.Time) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(begin) < c.fair {
		return fmt.Errorf("%w: %w", fight.ErrNoTime, context.Cause(ctx))
	}
	return context.Cause(ctx)
}

// run makes a call and reports its outcome to the breaker. A panic in ask becomes the call's error.
func (c *calls) run(ctx context.Context, called call, ask func(context.Context) error) error {
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

// tooLate returns the error of a finished call. If the peer reports an error after the deadline sent to it, the error
// is attributed to the deadline.
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

// outcomeOf returns the outcome of a finished call. If a call fails after the deadline that was sent to
// the peer, its failure reveals nothing about the peer's health, unless the peer had most of the read timeout to respond
// or the call itself timed out.
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

// transport sends requests to the peer.
type transport interface {
	http.RoundTripper
	CloseIdleConnections()
}
