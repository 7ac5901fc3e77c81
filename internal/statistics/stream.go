package statistics

import (
	"context"
	"net/http"
	"sync"
	"time"

	"superheroes/internal/httpserver"
)

const (
	// eventGap is the least time between two events to one client: at most four a second.
	eventGap = 250 * time.Millisecond
	// keepAlive is the longest time in which a client hears nothing.
	keepAlive = 15 * time.Second
)

// streams ends all who listen.
type streams struct {
	ending chan struct{}
	end    func()
	gap    time.Duration
	alive  time.Duration
}

func newStreams() streams {
	ending := make(chan struct{})
	return streams{ending: ending, end: sync.OnceFunc(func() { close(ending) }), gap: eventGap, alive: keepAlive}
}

// serveStream tells the state, and each later one, until the client leaves or the service ends. There is nothing between
// a client and the latest state: one that is slow misses some, one that doesn't read is dropped.
func (s *Service) serveStream(w http.ResponseWriter, r *http.Request) error {
	latest, err := s.current(r.Context())
	if err != nil {
		return httpserver.StoreProblem(err)
	}
	events := httpserver.NewEvents(w, r)
	if r.Method == http.MethodHead {
		return nil
	}
	s.counter.watch(1)
	defer s.counter.watch(-1)
	timer := time.NewTimer(s.streams.alive)
	defer timer.Stop()
	ctx := httpserver.Lasting(r.Context())
	for events.Send(latest.event) == nil {
		if !s.pause(ctx, timer) || !s.silence(ctx, timer, latest, events) {
			return nil
		}
		latest = s.latest.Load()
	}
	return nil
}

// pause waits for as long as two events must lie apart, and tells whether the stream goes on.
func (s *Service) pause(ctx context.Context, timer *time.Timer) bool {
	timer.Reset(s.streams.gap)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.streams.ending:
	}
	return false
}

// silence waits for news, and tells whether the stream goes on. It shows the client that somebody is there.
func (s *Service) silence(ctx context.Context, timer *time.Timer, latest *state, events *httpserver.Events) bool {
	for {
		timer.Reset(s.streams.alive)
		select {
		case <-latest.replaced:
			return true
		case <-timer.C:
			if events.Send([]byte(": still here\n\n")) != nil {
				return false
			}
		case <-ctx.Done():
			return false
		case <-s.streams.ending:
			return false
		}
	}
}
