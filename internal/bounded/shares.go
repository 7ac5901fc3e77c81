package bounded

import (
	"net/netip"
	"sync"
)

// Shares let at most so many clients' requests of one kind be open at the same time, and those of one address at most three
// quarters of them: no client has them all, whatever it opens and doesn't read. Nobody waits for one.
type Shares struct {
	mu          sync.Mutex
	free, share int
	held        map[netip.Addr]int
}

// NewShares returns so many.
func NewShares(most int) *Shares {
	return &Shares{free: most, share: most - most/4, held: map[netip.Addr]int{}}
}

// Take reports whether one more may be opened for the address, as net/http spells it. If so, it must be given back.
func (s *Shares) Take(remote string) bool {
	client := clientAt(remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == 0 || s.held[client] >= s.share {
		return false
	}
	s.free--
	s.held[client]++
	return true
}

// Give gives one back.
func (s *Shares) Give(remote string) {
	client := clientAt(remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	if s.held[client]--; s.held[client] == 0 {
		delete(s.held, client)
	}
}

// clientAt returns who counts as one client. Who has one address of IPv6 has 2^64 of them, so there it is the network.
func clientAt(remote string) netip.Addr {
	at, _ := netip.ParseAddrPort(remote) // the zero address for what comes from this process
	client := at.Addr().Unmap()
	if !client.Is6() {
		return client
	}
	network, _ := client.Prefix(64)
	return network.Addr()
}
