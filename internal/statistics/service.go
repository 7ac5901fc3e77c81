package statistics

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// freshTime bounds how long an answer waits for what was stored before it; then it tells what is counted.
const freshTime = time.Second

// Service counts, and has the latest statistics for everybody who asks or listens.
type Service struct {
	store   Store
	counter *counter
	stop    context.CancelFunc
	stopped chan struct{}

	reading sync.Mutex // held while the statistics are read and published
	latest  atomic.Pointer[State]
}

// State is what was last read, encoded once for everybody.
type State struct {
	version  int64
	JSON     []byte        // must not be changed, nor must Event
	Event    []byte        // the same as a server-sent event
	Replaced chan struct{} // closed when there is another
}

// NewService returns a service that counts from now on, until it is closed.
func NewService(store Store, pace Pace, log *slog.Logger) *Service {
	ctx, stop := context.WithCancel(context.Background())
	s := &Service{store: store, counter: newCounter(store, pace, log), stop: stop, stopped: make(chan struct{})}
	s.counter.show = s.show
	go func() {
		defer close(s.stopped)
		s.counter.run(ctx)
	}()
	return s
}

// Wake tells that a fight was stored. It never waits.
func (s *Service) Wake() { s.counter.wake() }

// Close ends the counting.
func (s *Service) Close() {
	s.stop()
	<-s.stopped
}

// Listen makes the service publish each change soon, until leave is called.
func (s *Service) Listen() (leave func()) {
	s.counter.watch(1)
	return func() { s.counter.watch(-1) }
}

// Listeners returns how many listen.
func (s *Service) Listeners() int { return s.counter.watching() }

// Latest returns what was last read, nil before the first time.
func (s *Service) Latest() *State { return s.latest.Load() }

// Current returns the statistics, in which all is counted that was stored a moment before.
func (s *Service) Current(ctx context.Context) (*State, error) {
	waiting, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	return s.read(ctx, s.counter.await(waiting))
}

// show publishes what is counted when somebody listens.
func (s *Service) show(ctx context.Context, version int64) {
	if s.Listeners() == 0 {
		return
	}
	if _, err := s.read(ctx, version); err != nil {
		s.counter.failed(ctx, err)
	}
}

// read returns the statistics of that version, or a later one.
func (s *Service) read(ctx context.Context, version int64) (*State, error) {
	if latest := s.latest.Load(); latest != nil && latest.version >= version {
		return latest, nil
	}
	s.reading.Lock()
	defer s.reading.Unlock()
	latest := s.latest.Load()
	if latest != nil && latest.version >= version {
		return latest, nil
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	statistics, err := s.store.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the statistics: %w", err)
	}
	return s.publish(latest, statistics), nil
}

// publish makes the statistics the latest state. One that reads the same as before is news to nobody.
func (s *Service) publish(before *State, statistics Statistics) *State {
	answer := statistics.AppendJSON(nil)
	if before != nil && bytes.Equal(before.JSON, answer) {
		same := *before
		same.version = statistics.Version
		s.latest.Store(&same)
		return &same
	}
	next := &State{
		version: statistics.Version, JSON: answer, Event: append(append([]byte("data: "), answer...), "\n\n"...),
		Replaced: make(chan struct{}),
	}
	s.latest.Store(next)
	if before != nil {
		close(before.Replaced)
	}
	return next
}
