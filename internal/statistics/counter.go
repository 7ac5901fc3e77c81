package statistics

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

// Pace determines how often a counter counts.
type Pace struct {
	// Watched and Alone are the minimum times between two rounds of counting, with and without listeners.
	Watched, Alone time.Duration
	// Look is the polling interval after a change and while there are listeners. After a number of rounds without a
	// change (Looks), the polling interval is Rest. While another process counts, the polling interval is half of Look.
	// A Look of 0 means no polling: the counter counts only when Wake is called, or when a caller or a new listener
	// needs current statistics.
	Look, Rest time.Duration
	Looks      int
}

// Woken returns the pace of a counter in the process that stores the fights: the counter is idle until a fight is
// stored.
func Woken() Pace { return Pace{Watched: 250 * time.Millisecond, Alone: time.Second} }

// Looking returns the pace of a counter that must poll, because other processes store the fights.
func Looking() Pace {
	return Pace{Watched: time.Second, Alone: time.Second, Look: time.Second, Rest: 5 * time.Second, Looks: 5}
}

const (
	// stepTime limits the duration of one counting step. The limit doubles with each consecutive timeout, up to
	// maxStepTime: a server may roll back what a step that was cut off has done, and would then never finish it.
	stepTime    = 10 * time.Second
	maxStepTime = 8 * stepTime
	// showEvery is the interval at which the state is published during a long round of counting.
	showEvery = 250 * time.Millisecond
	// retryAfter is the time between a failed round and the next one.
	retryAfter = time.Second
)

// counter counts fights in rounds, one round at a time. A round ends when there are no more uncounted fights.
type counter struct {
	store Store
	pace  Pace
	log   *slog.Logger
	show  func(ctx context.Context, version int64) // called during a round when the statistics may have changed

	operations storage.Operations
	tracer     atomic.Pointer[telemetry.Tracer]

	woken   chan struct{} // buffered: a fight was stored
	pending atomic.Bool   // whether a fight was stored since the last round began
	asked   chan struct{} // buffered: a caller waits for a round, or a listener was added

	mu        sync.Mutex
	listeners int
	fresh     time.Time     // start of the last successful round
	version   int64         // version of the statistics after the last successful round
	ended     chan struct{} // closed at the end of the next round

	// Used only by the goroutine that executes run.
	began      time.Time // start of the last round
	idleRounds int       // consecutive rounds that found no uncounted fights
	waiting    bool      // another process counts
	failing    bool
	timeouts   int // consecutive steps that were cut off; stops at maxStepTime
}

func newCounter(store Store, pace Pace, log *slog.Logger) *counter {
	return &counter{
		store: store, pace: pace, log: log,
		woken: make(chan struct{}, 1), asked: make(chan struct{}, 1), ended: make(chan struct{}),
	}
}

// Wake signals that a fight was stored. It never blocks, and costs next to nothing if a signal is already pending.
func (c *counter) Wake() {
	if c.pending.Load() {
		return
	}
	c.pending.Store(true)
	signal(c.woken)
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// Listen makes the service publish changes promptly until leave is called.
func (c *counter) Listen() (leave func()) {
	c.addListeners(1)
	signal(c.asked)
	return func() { c.addListeners(-1) }
}

func (c *counter) addListeners(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners += n
}

// Listeners returns the number of listeners.
func (c *counter) Listeners() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.listeners
}

// counted returns the version of the statistics after the last successful round.
func (c *counter) counted() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// await waits until the statistics include all fights for which Wake has been called. Fights stored by other processes
// are included unless they were stored within the last Watched interval. await returns the version of these statistics,
// and returns early if ctx ends.
func (c *counter) await(ctx context.Context) int64 {
	since := time.Now()
	if !c.pending.Load() {
		since = since.Add(-c.pace.Watched)
	}
	for {
		c.mu.Lock()
		fresh, version, ended := c.fresh, c.version, c.ended
		c.mu.Unlock()
		if !fresh.Before(since) || ctx.Err() != nil {
			return version
		}
		signal(c.asked)
		select {
		case <-ended:
		case <-ctx.Done():
		}
	}
}

// run counts fights until ctx ends.
func (c *counter) run(ctx context.Context) {
	for c.round(ctx); c.rest(ctx); {
		c.round(ctx)
	}
}

// rest waits until the next round is due. It returns false if ctx ends.
func (c *counter) rest(ctx context.Context) bool {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for due := c.due(); ; {
		var ring <-chan time.Time
		if !due.IsZero() {
			timer.Reset(time.Until(due))
			ring = timer.C
		}
		select {
		case <-ctx.Done():
			return false
		case <-ring:
			c.drain()
			return true
		case <-c.woken:
			due = earlier(due, c.began.Add(c.gap()))
		case <-c.asked:
			due = earlier(due, c.began.Add(c.pace.Watched))
		}
	}
}

// drain clears the signals that the next round will satisfy. drain must clear the pending flag last, since the flag
// suppresses new signals.
func (c *counter) drain() {
	for _, signals := range []chan struct{}{c.woken, c.asked} {
		select {
		case <-signals:
		default:
		}
	}
	c.pending.Store(false)
}

// gap returns the current minimum time between rounds.
func (c *counter) gap() time.Duration {
	if c.failing {
		return retryAfter
	}
	if c.Listeners() > 0 {
		return c.pace.Watched
	}
	return c.pace.Alone
}

// due returns the time of the next round if no signal arrives. The zero time means never.
func (c *counter) due() time.Time {
	switch {
	case c.failing:
		return c.began.Add(retryAfter)
	case c.pace.Look == 0:
		return time.Time{}
	case c.waiting:
		return c.began.Add(c.pace.Look / 2)
	case c.idleRounds < c.pace.Looks, c.Listeners() > 0:
		return c.began.Add(c.pace.Look)
	}
	return c.began.Add(c.pace.Rest)
}

// earlier returns the earlier of two times. If a is the zero time, it means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// round counts all uncounted fights.
func (c *counter) round(ctx context.Context) {
	c.began = time.Now()
	counted, version, err := c.countAll(ctx)
	if err != nil {
		c.failed(ctx, err)
	} else {
		c.failing = false
	}
	if counted > 0 {
		c.idleRounds = 0
	} else {
		c.idleRounds++
	}
	c.mu.Lock()
	if err == nil {
		c.fresh, c.version = c.began, version
	}
	close(c.ended)
	c.ended = make(chan struct{})
	c.mu.Unlock()
	if err == nil {
		c.show(ctx, version)
	}
}

// failed logs only the first in a series of failed rounds.
func (c *counter) failed(ctx context.Context, err error) {
	if !c.failing && ctx.Err() == nil {
		c.log.Warn("fights can't be counted now; trying again", "cause", err)
	}
	c.failing = true
}

func (c *counter) countAll(ctx context.Context) (counted int, version int64, err error) {
	for shown := c.began; ; {
		progress, err := c.step(ctx)
		if err != nil {
			return counted, 0, err
		}
		counted += progress.Counted
		for _, row := range progress.Unreadable { // each unreadable fight is counted once, and therefore logged once
			c.log.Warn(row.What+" "+row.ID+" can't be read; it is counted as unreadable", "cause", row.Err)
		}
		c.waiting = progress.Waiting
		if !progress.More {
			return counted, progress.Version, nil
		}
		if time.Since(shown) >= showEvery {
			shown = time.Now()
			c.show(ctx, progress.Version)
		}
	}
}

func (c *counter) step(ctx context.Context) (Progress, error) {
	limit := stepTime << c.timeouts
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ctx, span := c.tracer.Load().Root(ctx, "count fights")
	defer span.End()
	ctx, count := c.operations.Begin(ctx, "UPDATE", "")
	progress, err := c.store.Count(ctx)
	count.End(&err)
	switch {
	case err == nil:
		c.timeouts = 0
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && limit < maxStepTime:
		c.timeouts++
	}
	return progress, err
}
