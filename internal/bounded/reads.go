package bounded

import "time"

// Reads are what clients read from a store over a pool of connections. By key or in lists, each goes on to its end when its
// client leaves, and lists leave connections for the others.
type Reads struct{ ByKey, Lists *Work }

// NewReads returns reads that share so many connections, of which lists get a quarter, and that may take limit each, or any
// time with 0. With fewer than three connections a read by key may have to wait for one page of a list.
func NewReads(connections int, limit time.Duration) Reads {
	all := NewSlots("reads", connections)
	return Reads{
		ByKey: NewWork(limit, Unlimited, all),
		Lists: NewWork(limit, Unlimited, NewSlots("lists", connections/4), all),
	}
}

// Close ends the reads under way, and waits for their end.
func (r Reads) Close() {
	r.ByKey.Close()
	r.Lists.Close()
}
