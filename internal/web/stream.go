package web

import (
	"context"
	"net/http"
	"sync"
	"time"

	"superheroes/internal/httpserver"
	"superheroes/internal/statistics"
)

const (
	// eventGap is the minimum time between two events to one client, which allows four events per second.
	eventGap = 250 * time.Millisecond
	// keepAlive is how long a stream stays silent before a comment is sent.
	keepAlive = 15 * time.Second
)

// statisticsRoutes holds the operations on statistics.
type statisticsRoutes struct {
	*statistics.Service
	ending chan struct{} // closed when all streams must end
	end    func()
	gap    time.Duration
	alive  time.Duration
}

func newStatisticsRoutes(service *statistics.Service) *statisticsRoutes {
	ending := make(chan struct{})
	end := sync.OnceFunc(func() { close(ending) })
	return &statisticsRoutes{Service: service, ending: ending, end: end, gap: eventGap, alive: keepAlive}
}

// serveStream sends the current state, and each later one, until the client disconnects or the service stops. Nothing
// is queued per client: a slow client misses some states, and a client that doesn't read is dropped.
func (s *statisticsRoutes) serveStream(w http.ResponseWriter, r *http.Request) error {
	latest, err := s.Current(r.Context())
	if err != nil {
		return httpserver.StoreProblem(err)
	}
	events := httpserver.NewEvents(w, r)
	if r.Method == http.MethodHead {
		return nil
	}
	defer s.Listen()()
	timer := time.NewTimer(s.alive)
	defer timer.Stop()
	ctx := httpserver.Lasting(r.Context())
	for events.Send(latest.Event) == nil {
		if !s.pause(ctx, timer) || !s.silence(ctx, timer, latest, events) {
			return nil
		}
		latest = s.Latest()
	}
	return nil
}

// pause waits for the minimum time between two events, and reports whether the stream should continue.
func (s *statisticsRoutes) pause(ctx context.Context, timer *time.Timer) bool {
	timer.Reset(s.gap)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.ending:
	}
	return false
}

// silence waits for a new state, and reports whether the stream should continue. While waiting, it keeps the connection
// alive.
func (s *statisticsRoutes) silence(ctx context.Context, timer *time.Timer, latest *statistics.State, events *httpserver.Events) bool {
	for {
		timer.Reset(s.alive)
		select {
		case <-latest.Replaced:
			return true
		case <-timer.C:
			if events.Send([]byte(": still here\n\n")) != nil {
				return false
			}
		case <-ctx.Done():
			return false
		case <-s.ending:
			return false
		}
	}
}
