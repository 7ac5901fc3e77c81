package catalog

import (
	"slices"
	"sync/atomic"
	"time"
)

// index is what a picker knows of a table. A published index doesn't change, but for the rows in its slots.
type index[T Item] struct {
	ids     []int64                  // rising
	slots   []atomic.Pointer[row[T]] // the rows in memory, at the places of their ids; nil when none are kept
	version Version
	epoch   epoch         // of that version
	last    epoch         // of the version before
	due     time.Duration // when it is to be renewed
	whole   time.Duration // until when every row is in memory and fresh
	slow    bool          // the last renewal ran out of time
}

// row is an item, and the same as AppendJSON encodes it: nil when it isn't encoded yet.
type row[T Item] struct {
	item T
	json []byte
	read time.Duration // when the read began
}

// epoch is the time of one version: what was read since then was known to be unchanged when the version was checked.
type epoch struct{ since, checked time.Duration }

// age returns how old a row is: the time since it was read, or known to be unchanged.
func (x *index[T]) age(r *row[T], now time.Duration) time.Duration {
	switch {
	case r.read >= x.epoch.since:
		return now - max(r.read, x.epoch.checked)
	case r.read >= x.last.since:
		return now - max(r.read, x.last.checked)
	}
	return now - r.read
}

// row returns the row in that place, nil when it isn't in memory or isn't fresh.
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

// current reports whether r, which may be nil, was read in the index's epoch: then it stays fresh for as long as the
// version stays.
func (x *index[T]) current(r *row[T]) bool { return r != nil && r.read >= x.epoch.since }

// quick reports whether a pick may wait for the ids to be read again. There may be many more of them by now: that is what a
// renewal was cut off for.
func (x *index[T]) quick() bool { return len(x.ids) <= quickIDs && !x.slow }

// freshUntil returns until when the rows of this epoch are fresh at least.
func (x *index[T]) freshUntil() time.Duration { return max(x.epoch.since, x.epoch.checked) + MaxAge }

// with returns an index that has that id as well.
func (x *index[T]) with(id int64) *index[T] {
	at, found := slices.BinarySearch(x.ids, id)
	if found {
		return x
	}
	next := *x
	if at == len(x.ids) { // as a new row's usually is: nobody who reads x sees what is behind its end
		next.ids = slices.Insert(x.ids, at, id)
	} else {
		next.ids = slices.Concat(x.ids[:at], []int64{id}, x.ids[at:])
	}
	next.slots = x.carry(next.ids)
	next.whole = never
	return &next
}

// without returns an index that doesn't have that id.
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

// carry returns slots for those ids, with the rows that x has of them.
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
