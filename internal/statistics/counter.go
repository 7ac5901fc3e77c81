package statistics

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"superheroes/internal/storage"
)

// Pace says when a counter counts.
type Pace struct {
	// Watched and Alone are the least time from one round to the next, with and without somebody who listens.
	Watched, Alone time.Duration
	// Look is the time after which the counter looks by itself, after a change and while somebody listens; Rest is that
	// time when nothing has changed for Looks looks. While another process counts it is half of Look. Without Look it
	// counts only when it is woken or asked.
	Look, Rest time.Duration
	Looks      int
}

// Woken is the pace of a counter in the process that stores the fights: it does nothing until one is stored.
func Woken() Pace { return Pace{Watched: 250 * time.Millisecond, Alone: time.Second} }

// Looking is the pace of a counter whose fights are stored by other processes.
func Looking() Pace {
	return Pace{Watched: time.Second, Alone: time.Second, Look: time.Second, Rest: 5 * time.Second, Looks: 5}
}

const (
	// stepTime bounds one step of a store.
	stepTime = 10 * time.Second
	// showEvery is how often the state is shown while there is much to count.
	showEvery = 250 * time.Millisecond
	// retryAfter is the time from a failed round to the next.
	retryAfter = time.Second
)

// counter counts in rounds, one at a time: each goes on until there is no more to count.
type counter struct {
	store Store
	pace  Pace
	log   *slog.Logger
	show  func(ctx context.Context, version int64) // called within a round when there may be something new to see
	woken chan struct{}                            // has room for one: a fight was stored
	news  atomic.Bool                              // a fight was stored since the last round began
	asked chan struct{}                            // has room for one: somebody waits for a round, or has begun to listen

	mu       sync.Mutex
	watchers int
	fresh    time.Time     // when the last round began that ended well
	version  int64         // of the statistics, then
	ended    chan struct{} // closed at the end of the next round

	// Of the goroutine that runs.
	began   time.Time // the last round
	quiet   int       // rounds in a row that found nothing
	waiting bool      // another process counts
	failing bool
}

func newCounter(store Store, pace Pace, log *slog.Logger) *counter {
	return &counter{
		store: store, pace: pace, log: log,
		woken: make(chan struct{}, 1), asked: make(chan struct{}, 1), ended: make(chan struct{}),
	}
}

// wake tells that a fight was stored. It waits for nothing, and costs next to nothing while a round is due anyway.
func (c *counter) wake() {
	if c.news.Load() {
		return
	}
	c.news.Store(true)
	signal(c.woken)
}

func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// watch tells that somebody begins to listen, with 1, or ends, with -1.
func (c *counter) watch(change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers += change
	if change > 0 {
		signal(c.asked)
	}
}

func (c *counter) watching() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watchers
}

// await returns the version when all is counted that the counter was told of before, and what others stored before the
// shortest time between rounds; earlier, when ctx ends.
func (c *counter) await(ctx context.Context) int64 {
	since := time.Now()
	if !c.news.Load() {
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

// run counts until ctx ends.
func (c *counter) run(ctx context.Context) {
	for c.round(ctx); c.rest(ctx); {
		c.round(ctx)
	}
}

// rest waits until the next round is due, and tells whether there is one.
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

// drain forgets the signals that the round which begins now heeds. The last thing is what keeps others from coming.
func (c *counter) drain() {
	for _, signals := range []chan struct{}{c.woken, c.asked} {
		select {
		case <-signals:
		default:
		}
	}
	c.news.Store(false)
}

// gap is the least time between rounds.
func (c *counter) gap() time.Duration {
	if c.failing {
		return retryAfter
	}
	if c.watching() > 0 {
		return c.pace.Watched
	}
	return c.pace.Alone
}

// due is when the next round comes without being asked for, the zero time for never.
func (c *counter) due() time.Time {
	switch {
	case c.failing:
		return c.began.Add(retryAfter)
	case c.pace.Look == 0:
		return time.Time{}
	case c.waiting:
		return c.began.Add(c.pace.Look / 2)
	case c.quiet < c.pace.Looks, c.watching() > 0:
		return c.began.Add(c.pace.Look)
	}
	return c.began.Add(c.pace.Rest)
}

// earlier returns the earlier of two moments, of which the zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// round counts all there is.
func (c *counter) round(ctx context.Context) {
	c.began = time.Now()
	counted, version, err := c.countAll(ctx)
	if err != nil {
		c.failed(ctx, err)
	} else {
		c.failing = false
	}
	if counted > 0 {
		c.quiet = 0
	} else {
		c.quiet++
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

// failed reports the first of several failures in a row.
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
		c.tellUnreadable(progress.Unreadable)
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

// tellUnreadable reports fights that can't be read. Each is counted once, so it is told once.
func (c *counter) tellUnreadable(rows []*storage.RowError) {
	for _, row := range rows {
		c.log.Warn(row.What+" "+row.ID+" can't be read; it is counted as unreadable", "cause", row.Err)
	}
}

func (c *counter) step(ctx context.Context) (Progress, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	return c.store.Count(ctx)
}
