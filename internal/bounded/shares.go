package bounded

import (
	"context"
	"net/netip"
	"slices"
	"sync"
)

// Shares limits how many requests of one kind run at the same time. Further requests wait in a queue, first come, first
// served. A single client gets at most three quarters of the shares and of the queue, so that it can't lock out other
// clients, for instance by not reading its responses. It is safe for concurrent use.
type Shares struct {
	mu      sync.Mutex
	running quota
	waiting quota
	queue   []*waiter
}

// waiter is a queued request.
type waiter struct {
	client netip.Addr
	turn   chan struct{} // closed when the waiter gets a share
}

// NewShares returns Shares that allow the given numbers of running and of queued requests.
func NewShares(running, waiting int) *Shares {
	return &Shares{running: newQuota(running), waiting: newQuota(waiting)}
}

// Take acquires a share for a client, given its http.Request.RemoteAddr. If no share is free but the queue has room,
// Take waits for a share until ctx ends. Take reports whether it acquired a share, which the caller must later release
// with Give.
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
	if at < 0 { // the waiter got a share just as ctx ended
		return true
	}
	s.drop(at)
	return false
}

// Give releases a share.
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

// Free returns the number of shares that are not in use.
func (s *Shares) Free() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running.free
}

// drop removes a waiter from the queue. The caller must hold the mutex.
func (s *Shares) drop(at int) {
	s.waiting.give(s.queue[at].client)
	s.queue = slices.Delete(s.queue, at, at+1)
}

// quota is a set of slots, of which a single client can hold at most three quarters.
type quota struct {
	free, share int
	held        map[netip.Addr]int
}

func newQuota(places int) quota {
	return quota{free: places, share: max(1, places-max(1, places/4)), held: map[netip.Addr]int{}}
}

// take acquires a slot if the client may have another, and reports whether it did. The caller must later release it
// with give.
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

// Client returns the address that identifies a client, given its http.Request.RemoteAddr. For IPv6, it is the address
// of the client's /64 network, since a single client can use all 2^64 addresses in its network. For requests from this
// process, Client returns the zero address.
func Client(remote string) netip.Addr {
	at, _ := netip.ParseAddrPort(remote)
	client := at.Addr().Unmap()
	if !client.Is6() {
		return client
	}
	network, _ := client.Prefix(64)
	return network.Addr()
}
