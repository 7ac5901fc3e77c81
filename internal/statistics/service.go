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

// Limits say how many may listen.
type Limits struct {
	MaxStreams int `default:"5000" help:"Maximum open streams; one client address gets at most three quarters of them."`
}

// freshTime bounds how long an answer waits for what was stored before it; then it tells what is counted.
const freshTime = time.Second

// Service counts, answers, and tells everybody who listens.
type Service struct {
	store      Store
	counter    *counter
	maxStreams int
	streams    streams
	stop       context.CancelFunc
	stopped    chan struct{}

	reading sync.Mutex // held while the statistics are read and published
	latest  atomic.Pointer[state]
}

// state is what was last read, encoded once for everybody.
type state struct {
	version  int64
	answer   []byte        // the JSON
	event    []byte        // the same as an event of the stream
	replaced chan struct{} // closed when there is another
}

// NewService returns a service that counts from now on, until it is closed.
func NewService(store Store, pace Pace, cfg Limits, log *slog.Logger) *Service {
	ctx, stop := context.WithCancel(context.Background())
	s := &Service{
		store: store, counter: newCounter(store, pace, log), stop: stop, stopped: make(chan struct{}),
		maxStreams: cfg.MaxStreams, streams: newStreams(),
	}
	s.counter.show = s.show
	go func() {
		defer close(s.stopped)
		s.counter.run(ctx)
	}()
	return s
}

// Wake tells that a fight was stored. It never waits.
func (s *Service) Wake() { s.counter.wake() }

// Close ends the streams and the counting.
func (s *Service) Close() {
	s.EndStreams()
	s.stop()
	<-s.stopped
}

// EndStreams ends every stream, and each that begins later at once. It may be called more than once.
func (s *Service) EndStreams() { s.streams.end() }

// current returns the statistics, in which all is counted that was stored a moment before.
func (s *Service) current(ctx context.Context) (*state, error) {
	waiting, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	return s.read(ctx, s.counter.await(waiting))
}

// show publishes what is counted when somebody listens.
func (s *Service) show(ctx context.Context, version int64) {
	if !s.counter.watched() {
		return
	}
	if _, err := s.read(ctx, version); err != nil {
		s.counter.failed(ctx, err)
	}
}

// read returns the statistics of that version, or a later one.
func (s *Service) read(ctx context.Context, version int64) (*state, error) {
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
func (s *Service) publish(before *state, statistics Statistics) *state {
	answer := statistics.AppendJSON(nil)
	if before != nil && bytes.Equal(before.answer, answer) {
		same := *before
		same.version = statistics.Version
		s.latest.Store(&same)
		return &same
	}
	next := &state{
		version: statistics.Version, answer: answer, event: append(append([]byte("data: "), answer...), "\n\n"...),
		replaced: make(chan struct{}),
	}
	s.latest.Store(next)
	if before != nil {
		close(before.replaced)
	}
	return next
}
