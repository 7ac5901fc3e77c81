package httpserver

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"superheroes/internal/bounded"
)

// slots admits a fixed number of requests at a time. Others wait in a queue, first come, first served, until their
// deadline. A single client address gets at most three quarters of the slots and of the queue.
type slots struct {
	mu      sync.Mutex
	running bounded.Quota
	waiting bounded.Quota
	queue   []*waiter
}

// waiter is a request in the queue.
type waiter struct {
	from netip.Addr
	turn chan struct{} // closed when it has a slot
}

func newSlots(running, waiting int) *slots {
	return &slots{running: bounded.NewQuota(running), waiting: bounded.NewQuota(waiting)}
}

func (s *slots) enter(r *http.Request) bool {
	from := bounded.Client(r.RemoteAddr)
	s.mu.Lock()
	if s.running.Take(from) {
		s.mu.Unlock()
		return true
	}
	if !s.waiting.Take(from) {
		s.mu.Unlock()
		return false
	}
	w := &waiter{from, make(chan struct{})}
	s.queue = append(s.queue, w)
	s.mu.Unlock()
	return s.wait(r.Context(), w)
}

// wait waits until w gets a slot, and reports whether it did.
func (s *slots) wait(ctx context.Context, w *waiter) bool {
	select {
	case <-w.turn:
		return true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.queue, w)
	if at < 0 { // it got its slot at the same moment
		return true
	}
	s.drop(at)
	return false
}

func (s *slots) leave(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running.Give(bounded.Client(r.RemoteAddr))
	for at, next := range s.queue {
		if s.running.Take(next.from) {
			s.drop(at)
			close(next.turn)
			return
		}
	}
}

// drop removes a waiter from the queue. The caller holds the mutex.
func (s *slots) drop(at int) {
	s.waiting.Give(s.queue[at].from)
	s.queue = slices.Delete(s.queue, at, at+1)
}

func (s *slots) retryAfter() time.Duration { return jittered(2) }
