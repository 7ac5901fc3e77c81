package httpserver

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// slots admits a fixed number of requests at a time. Beyond that they wait for a slot, first come first served, within
// their deadline. Neither the slots nor the queue can be taken by one client address alone: it gets three quarters.
type slots struct {
	mu      sync.Mutex
	running quota
	waiting quota
	queue   []*waiter
}

// waiter is a request in the queue.
type waiter struct {
	from netip.Addr
	turn chan struct{} // closed when it has a slot
}

func newSlots(running, waiting int) *slots {
	return &slots{running: newQuota(running), waiting: newQuota(waiting)}
}

func (s *slots) enter(r *http.Request) bool {
	from := addressOf(r)
	s.mu.Lock()
	if s.running.take(from) {
		s.mu.Unlock()
		return true
	}
	if !s.waiting.take(from) {
		s.mu.Unlock()
		return false
	}
	w := &waiter{from, make(chan struct{})}
	s.queue = append(s.queue, w)
	s.mu.Unlock()
	return s.wait(r.Context(), w)
}

// wait waits for the turn of w.
func (s *slots) wait(ctx context.Context, w *waiter) bool {
	select {
	case <-w.turn:
		return true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.queue, w)
	if at < 0 { // its turn came at the same moment
		return true
	}
	s.drop(at)
	return false
}

func (s *slots) leave(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running.give(addressOf(r))
	for at, next := range s.queue {
		if s.running.take(next.from) {
			s.drop(at)
			close(next.turn)
			return
		}
	}
}

// drop takes a waiter out of the queue. The mutex is held.
func (s *slots) drop(at int) {
	s.waiting.give(s.queue[at].from)
	s.queue = slices.Delete(s.queue, at, at+1)
}

func (s *slots) retryAfter() time.Duration { return jittered(2) }

// quota is a number of places, of which one address gets at most three quarters.
type quota struct {
	free, share int
	held        map[netip.Addr]int
}

func newQuota(places int) quota {
	return quota{free: places, share: places - places/4, held: map[netip.Addr]int{}}
}

func (q *quota) take(from netip.Addr) bool {
	if q.free == 0 || q.held[from] == q.share {
		return false
	}
	q.free--
	q.held[from]++
	return true
}

func (q *quota) give(from netip.Addr) {
	q.free++
	if q.held[from]--; q.held[from] == 0 {
		delete(q.held, from)
	}
}

// addressOf returns the client's address. Of IPv6, which a client has 2^64 addresses of, it is the network.
func addressOf(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address for what is asked in this process
	from := at.Addr().Unmap()
	if from.Is6() {
		network, _ := from.Prefix(64)
		return network.Addr()
	}
	return from
}
