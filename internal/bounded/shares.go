package bounded

import (
	"net/netip"
	"sync"
)

// Shares limits how many requests of one kind are open at the same time, and any one client to three quarters of that.
// Nobody waits for a share. It may be used concurrently.
type Shares struct {
	mu    sync.Mutex
	quota Quota
}

// NewShares returns shares for that many requests.
func NewShares(most int) *Shares { return &Shares{quota: NewQuota(most)} }

// Take reports whether the client at the address, in the form of http.Request.RemoteAddr, may open another request. If
// so, Give must follow.
func (s *Shares) Take(remote string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quota.Take(Client(remote))
}

// Give returns a share.
func (s *Shares) Give(remote string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota.Give(Client(remote))
}

// Quota is a number of slots of which one client gets at most three quarters, so that no client can occupy them all,
// for instance by opening connections without reading from them. Its users must lock it.
type Quota struct {
	free, share int
	held        map[netip.Addr]int
}

// NewQuota returns a quota of that many slots.
func NewQuota(places int) Quota {
	return Quota{free: places, share: max(1, places-max(1, places/4)), held: map[netip.Addr]int{}}
}

// Take reports whether there is a slot for the client. If so, Give must follow.
func (q *Quota) Take(client netip.Addr) bool {
	if q.free == 0 || q.held[client] >= q.share {
		return false
	}
	q.free--
	q.held[client]++
	return true
}

// Give returns a slot.
func (q *Quota) Give(client netip.Addr) {
	q.free++
	if q.held[client]--; q.held[client] == 0 {
		delete(q.held, client)
	}
}

// Free returns the number of free slots.
func (q *Quota) Free() int { return q.free }

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
