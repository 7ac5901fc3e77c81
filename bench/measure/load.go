package measure

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
)

// load describes the load on a target, from the first warm-up iteration to the last measured iteration.
type load struct {
	mix         Mix
	target      Target
	connections int
	rate        float64 // iterations per second; 0: the closed model, without a schedule
	timeout     time.Duration
	maxWait     time.Duration
	start       time.Time // of the warm-up
	window      window
}

// window is the period in which iterations are measured. Iterations before the window are the warm-up; no iteration
// starts after the window.
type window struct{ from, to time.Time }

func (w window) holds(at time.Time) bool { return !at.Before(w.from) && at.Before(w.to) }

// run applies the load and returns once every iteration has completed. It stops sending requests when ctx is canceled.
func (l load) run(ctx context.Context, t *tally) error {
	clients := make([]*client, l.connections)
	for i := range clients {
		c, err := newClient(l.target, l.timeout)
		if err != nil {
			return err
		}
		clients[i] = c
		defer c.close()
	}
	if l.rate > 0 {
		return l.open(ctx, clients, t)
	}
	l.closed(ctx, clients, t)
	return nil
}

// closed implements the closed model: each connection starts an iteration as soon as the previous one has completed.
func (l load) closed(ctx context.Context, clients []*client, t *tally) {
	var workers sync.WaitGroup
	for worker, c := range clients {
		workers.Go(func() {
			time.Sleep(time.Until(l.start))
			for turn := worker; ; turn += len(clients) {
				begin := time.Now()
				if !begin.Before(l.window.to) || ctx.Err() != nil {
					break
				}
				l.iterate(c, turn, begin, t)
			}
			t.leave(c)
		})
	}
	workers.Wait()
}

// arrival holds an iteration and the time at which it is due.
type arrival struct {
	turn     int
	intended time.Time
}

// open implements the open model: iterations start on schedule, whether or not earlier ones have completed. If no
// connection is free, an iteration waits; its latency counts from when it was due. An iteration that has waited longer
// than maxWait is dropped.
func (l load) open(ctx context.Context, clients []*client, t *tally) error {
	pace, err := newPacer()
	if err != nil {
		return err
	}
	defer pace.close()
	defer context.AfterFunc(ctx, pace.close)()
	// The channel has room for all iterations that can come due within maxWait; an iteration that finds the channel
	// full would be dropped anyway.
	arrivals := make(chan arrival, int(l.rate*l.maxWait.Seconds())+1)
	var workers sync.WaitGroup
	for _, c := range clients {
		workers.Go(func() {
			free := l.start // when this connection became free
			for next := range arrivals {
				now, measured := time.Now(), l.window.holds(next.intended)
				if now.Sub(next.intended) > l.maxWait {
					t.drop(measured)
					continue
				}
				if measured {
					t.started(now.Sub(later(next.intended, free))) // waiting for a free connection is the target's fault
				}
				free = l.iterate(c, next.turn, next.intended, t)
			}
			t.leave(c)
		})
	}
	err = l.release(ctx, pace, arrivals, t)
	close(arrivals)
	workers.Wait()
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// release queues each iteration when it is due, and drops the iteration if the queue is full.
func (l load) release(ctx context.Context, pace *pacer, arrivals chan<- arrival, t *tally) error {
	for turn := 0; ctx.Err() == nil; turn++ {
		due := l.start.Add(time.Duration(float64(turn) / l.rate * float64(time.Second)))
		if !due.Before(l.window.to) {
			break
		}
		if err := pace.wait(due); errors.Is(err, os.ErrClosed) {
			break
		} else if err != nil {
			return err
		}
		select {
		case arrivals <- arrival{turn, due}:
		default:
			t.drop(l.window.holds(due))
		}
	}
	return nil
}

// iterate runs one iteration and returns its completion time.
func (l load) iterate(c *client, turn int, intended time.Time, t *tally) time.Time {
	does := l.mix.turns[turn%len(l.mix.turns)]
	err := does.do(c)
	now := time.Now()
	t.done(outcome{does, l.window.holds(intended), now.Sub(intended), err, c.last})
	return now
}

// outcome is the result of an iteration.
type outcome struct {
	action   action
	measured bool
	latency  time.Duration // since it was due
	err      error
	last     string // its last request
}
