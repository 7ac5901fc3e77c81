package catalog

import (
	"slices"
	"sync/atomic"
	"time"
)

// index is a picker's view of a table. A published index is immutable except for the rows in its slots.
type index[T Item] struct {
	ids     []int64                  // ascending
	slots   []atomic.Pointer[row[T]] // the cached rows, parallel to ids; nil if none are cached
	version Version
	epoch   epoch         // of that version
	last    epoch         // of the version before
	due     time.Duration // when to renew it
	whole   time.Duration // until this time, all rows are in memory and fresh
	slow    bool          // the last renewal timed out
}

// row is an item and its JSON, which is nil until the item is encoded.
type row[T Item] struct {
	item T
	json []byte
	read time.Duration // when the read began
}

// epoch is the period in which one version of a table is current. The field since is the time when the service learned
// of the version; checked is the time when the version was last confirmed.
type epoch struct{ since, checked time.Duration }

// age returns the staleness of a row: the time since the row was read or last known to be unchanged.
func (x *index[T]) age(r *row[T], now time.Duration) time.Duration {
	switch {
	case r.read >= x.epoch.since:
		return now - max(r.read, x.epoch.checked)
	case r.read >= x.last.since:
		return now - max(r.read, x.last.checked)
	}
	return now - r.read
}

// row returns the row in the given slot, or nil if the row isn't in memory or isn't fresh.
func (x *index[T]) row(at int, now time.Duration) *row[T] {
	if x.slots == nil {
		return nil
	}
	r := x.slots[at].Load()
	if r == nil || x.age(r, now) >= MaxAge {
		return nil
	}
	return r
}

// current reports whether r, which may be nil, was read during the index's epoch. A row read during the epoch stays
// fresh for as long as the version is known to be current.
func (x *index[T]) current(r *row[T]) bool { return r != nil && r.read >= x.epoch.since }

// quick reports whether a pick may wait for a renewal. After a renewal that timed out, picks don't wait: the table
// may have grown.
func (x *index[T]) quick() bool { return len(x.ids) <= quickIDs && !x.slow }

// freshUntil returns the time until which the rows of this epoch are guaranteed to be fresh.
func (x *index[T]) freshUntil() time.Duration { return max(x.epoch.since, x.epoch.checked) + MaxAge }

// with returns an index that also contains the given id.
func (x *index[T]) with(id int64) *index[T] {
	at, found := slices.BinarySearch(x.ids, id)
	if found {
		return x
	}
	next := *x
	if at == len(x.ids) { // the usual case for a new row; readers of x never read beyond the length of x.ids
		next.ids = slices.Insert(x.ids, at, id)
	} else {
		next.ids = slices.Concat(x.ids[:at], []int64{id}, x.ids[at:])
	}
	next.slots = x.carry(next.ids)
	next.whole = never
	return &next
}

// without returns an index that doesn't contain the given id.
func (x *index[T]) without(id int64) *index[T] {
	at, found := slices.BinarySearch(x.ids, id)
	if !found {
		return x
	}
	next := *x
	next.ids = slices.Concat(x.ids[:at], x.ids[at+1:])
	next.slots = x.carry(next.ids)
	return &next
}

// carry returns slots for the given ids, filled with the rows that x has already cached.
func (x *index[T]) carry(ids []int64) []atomic.Pointer[row[T]] {
	if x.slots == nil {
		return nil
	}
	slots := make([]atomic.Pointer[row[T]], len(ids))
	at := 0
	for i, id := range ids {
		for at < len(x.ids) && x.ids[at] < id {
			at++
		}
		if at < len(x.ids) && x.ids[at] == id {
			slots[i].Store(x.slots[at].Load())
		}
	}
	return slots
}
