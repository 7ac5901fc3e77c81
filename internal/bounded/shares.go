package bounded

import (
	"net/netip"
	"sync"
)

// Shares let at most so many clients' requests of one kind be open at the same time, and those of one client at most three
// quarters of them. Nobody waits for one. They may be used concurrently.
type Shares struct {
	mu    sync.Mutex
	quota Quota
}

// NewShares returns so many.
func NewShares(most int) *Shares { return &Shares{quota: NewQuota(most)} }

// Take reports whether one more may be opened for the client at the address, as net/http spells it. If so, it must be given
// back.
func (s *Shares) Take(remote string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quota.Take(Client(remote))
}

// Give gives one back.
func (s *Shares) Give(remote string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quota.Give(Client(remote))
}

// Quota is a number of places, of which one client gets at most three quarters: no client has them all, whatever it opens
// and doesn't read. Its users lock it.
type Quota struct {
	free, share int
	held        map[netip.Addr]int
}

// NewQuota returns so many places.
func NewQuota(places int) Quota {
	return Quota{free: places, share: max(1, places-max(1, places/4)), held: map[netip.Addr]int{}}
}

// Take reports whether there is a place for the client. If so, it must be given back.
func (q *Quota) Take(client netip.Addr) bool {
	if q.free == 0 || q.held[client] >= q.share {
		return false
	}
	q.free--
	q.held[client]++
	return true
}

// Give gives a place back.
func (q *Quota) Give(client netip.Addr) {
	q.free++
	if q.held[client]--; q.held[client] == 0 {
		delete(q.held, client)
	}
}

// Free returns how many places are free.
func (q *Quota) Free() int { return q.free }

// Client returns what counts as one client at an address, as net/http spells it: who has one address of IPv6 has 2^64 of
// them, so there it is the network. It is the zero address for what comes from this process.
func Client(remote string) netip.Addr {
	at, _ := netip.ParseAddrPort(remote)
	client := at.Addr().Unmap()
	if !client.Is6() {
		return client
	}
	network, _ := client.Prefix(64)
	return network.Addr()
}
