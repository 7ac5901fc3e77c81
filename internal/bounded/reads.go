package bounded

import "time"

// Reads limits how clients read from a store over a pool of connections, by key or in lists. Each read continues after
// its client has left, and lists leave connections for reads by key.
type Reads struct{ ByKey, Lists *Work }

// NewReads returns reads that share that number of connections, a quarter of which lists may use. Each read may take
// limit, or any time if that is 0. With fewer than three connections a read by key may have to wait for one page of a
// list.
func NewReads(connections int, limit time.Duration) Reads {
	all := NewSlots("reads", connections)
	return Reads{
		ByKey: NewWork(limit, Unlimited, all),
		Lists: NewWork(limit, Unlimited, NewSlots("lists", connections/4), all),
	}
}

// Close cancels the reads in progress and waits for them.
func (r Reads) Close() {
	r.ByKey.Close()
	r.Lists.Close()
}
