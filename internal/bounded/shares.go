package bounded

import (
	"context"
	"net/netip"
	"slices"
	"sync"
)

// Shares limits how many requests of one kind run at the same time. Others wait in a queue, first come, first served.
// A single client gets at most three quarters of the shares and of the queue, so that it can't occupy them all, for
// instance by not reading its responses. It is safe for concurrent use.
type Shares struct {
	mu      sync.Mutex
	running quota
	waiting quota
	queue   []*waiter
}

// waiter is a request in the queue.
type waiter struct {
	client netip.Addr
	turn   chan struct{} // closed when it has a share
}

// NewShares returns shares for that many running requests, and a queue for that many waiting ones.
func NewShares(running, waiting int) *Shares {
	return &Shares{running: newQuota(running), waiting: newQuota(waiting)}
}

// Take takes a share for the client at the address, in the form of http.Request.RemoteAddr. It waits for one until ctx
// ends, if there is room in the queue, and reports whether it got one. If so, Give must follow.
func (s *Shares) Take(ctx context.Context, remote string) bool {
	client := Client(remote)
	s.mu.Lock()
	if s.running.take(client) {
		s.mu.Unlock()
		return true
	}
	if !s.waiting.take(client) {
		s.mu.Unlock()
		return false
	}
	w := &waiter{client, make(chan struct{})}
	s.queue = append(s.queue, w)
	s.mu.Unlock()
	select {
	case <-w.turn:
		return true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.queue, w)
	if at < 0 { // it got its share at the same moment
		return true
	}
	s.drop(at)
	return false
}

// Give returns a share.
func (s *Shares) Give(remote string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running.give(Client(remote))
	for at, next := range s.queue {
		if s.running.take(next.client) {
			s.drop(at)
			close(next.turn)
			return
		}
	}
}

// drop removes a waiter from the queue. The caller holds the mutex.
func (s *Shares) drop(at int) {
	s.waiting.give(s.queue[at].client)
	s.queue = slices.Delete(s.queue, at, at+1)
}

// quota is a number of places of which one client gets at most three quarters.
type quota struct {
	free, share int
	held        map[netip.Addr]int
}

func newQuota(places int) quota {
	return quota{free: places, share: max(1, places-max(1, places/4)), held: map[netip.Addr]int{}}
}

// take reports whether there is a place for the client. If so, give must follow.
func (q *quota) take(client netip.Addr) bool {
	if q.free == 0 || q.held[client] >= q.share {
		return false
	}
	q.free--
	q.held[client]++
	return true
}

func (q *quota) give(client netip.Addr) {
	q.free++
	if q.held[client]--; q.held[client] == 0 {
		delete(q.held, client)
	}
}

// Client returns what counts as one client for an address in the form of http.Request.RemoteAddr. For IPv6 that is the
// /64 network, since a client has 2^64 addresses. It is the zero address for requests from this process.
func Client(remote string) netip.Addr {
	at, _ := netip.ParseAddrPort(remote)
	client := at.Addr().Unmap()
	if !client.Is6() {
		return client
	}
	network, _ := client.Prefix(64)
	return network.Addr()
}
