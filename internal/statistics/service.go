package statistics

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"superheroes/internal/telemetry"
)

// freshTime limits how long a response waits for recent fights to be counted; after that, it includes only the fights
// counted so far.
const freshTime = time.Second

// Service counts fights, and provides the latest statistics to callers and listeners.
type Service struct {
	*counter
	life    context.Context // ends when the service is closed
	stop    context.CancelFunc
	stopped chan struct{}

	reading sync.Mutex // held while the statistics are read and published
	latest  atomic.Pointer[State]
	refresh sync.WaitGroup // reads for the metrics
}

// State is the result of the last read of the statistics, encoded once for all responses.
type State struct {
	version  int64
	total    int64
	JSON     []byte        // JSON and Event must not be modified
	Event    []byte        // the JSON as a server-sent event
	Replaced chan struct{} // closed when a newer state is published
}

// NewService returns a service that counts fights until it is closed.
func NewService(store Store, pace Pace, log *slog.Logger) *Service {
	ctx, stop := context.WithCancel(context.Background())
	s := &Service{counter: newCounter(store, pace, log), life: ctx, stop: stop, stopped: make(chan struct{})}
	s.counter.show = s.show
	go func() {
		defer close(s.stopped)
		s.run(ctx)
	}()
	return s
}

// Close stops counting.
func (s *Service) Close() {
	s.stop()
	<-s.stopped
	s.refresh.Wait()
}

// Measure adds the metrics of the service and of its store, whose engine is given under its name in OpenTelemetry's
// semantic conventions. To avoid waiting for the store, a scrape gets the total that was read last, and starts to read
// the current one if fights have been counted since. Call Measure once.
func (s *Service) Measure(m *telemetry.Metrics, engine string) {
	if m == nil {
		return
	}
	s.operations.Measure(m, engine, "statistics")
	s.tracer.Store(m.Tracer())
	var refreshing atomic.Bool
	m.Func(telemetry.FightsCounted, func() float64 {
		latest := s.latest.Load()
		if version := s.counted(); (latest == nil || latest.version < version) && refreshing.CompareAndSwap(false, true) {
			s.refresh.Go(func() {
				defer refreshing.Store(false)
				_, _ = s.read(s.life, version) // readiness and the counter report the failure
			})
		}
		if latest == nil {
			return math.NaN()
		}
		return float64(latest.total)
	})
}

// Latest returns the most recently published state, or nil if there is none yet.
func (s *Service) Latest() *State { return s.latest.Load() }

// Current returns the statistics, which include every fight stored so far if possible.
func (s *Service) Current(ctx context.Context) (*State, error) {
	waiting, cancel := context.WithTimeout(ctx, freshTime)
	defer cancel()
	return s.read(ctx, s.await(waiting))
}

// show publishes the current statistics if there are listeners.
func (s *Service) show(ctx context.Context, version int64) {
	if s.Listeners() == 0 {
		return
	}
	if _, err := s.read(ctx, version); err != nil {
		s.failed(ctx, err)
	}
}

// read returns the statistics of the given version or a later one.
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
	ctx, read := s.operations.Begin(ctx, "SELECT", "")
	statistics, err := s.store.Read(ctx)
	read.End(&err)
	if err != nil {
		return nil, fmt.Errorf("reading the statistics: %w", err)
	}
	return s.publish(latest, statistics), nil
}

// publish stores the statistics as the latest state. If the JSON is unchanged, listeners are not notified.
func (s *Service) publish(before *State, statistics Statistics) *State {
	answer := statistics.AppendJSON(nil)
	if before != nil && bytes.Equal(before.JSON, answer) {
		same := *before
		same.version, same.total = statistics.Version, statistics.Total
		s.latest.Store(&same)
		return &same
	}
	next := &State{
		version: statistics.Version, total: statistics.Total, JSON: answer, Event: append(append([]byte("data: "), answer...), "\n\n"...),
		Replaced: make(chan struct{}),
	}
	s.latest.Store(next)
	if before != nil {
		close(before.Replaced)
	}
	return next
}
