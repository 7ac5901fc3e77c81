package catalog

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Write changes one item as Store.Write does. Every pick that begins after it sees the change.
//
// When it isn't certain how the row is now, the row is forgotten and the next pick reads it: the store didn't confirm the
// change, or another change of the same row was under way, and may have come before this one or after.
func (p *Picker[T]) Write(ctx context.Context, id int64, change func(old *T) (*T, error)) (*T, error) {
	edited, begin := p.beginRead()
	item, err := (*T)(nil), ErrMaybeWritten // should the store panic
	defer func() { p.wrote(id, item, err, edited, begin) }()
	item, err = p.store.Write(ctx, id, change)
	return item, err
}

// wrote applies what a write, which began with so many edits and at that time, has done.
func (p *Picker[T]) wrote(id int64, item *T, err error, edited int64, begin time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.edits.ended(edited)
	if id == 0 && err == nil {
		id = (*item).Key()
	}
	switch {
	case err != nil && !errors.Is(err, ErrMaybeWritten):
	case err != nil, p.edits.changed(id, edited):
		p.edits.add(edit{id: id, kind: uncertain})
		p.forget(id)
	case item == nil:
		p.edits.add(edit{id: id, kind: deleted})
		p.remove(id)
	default:
		p.edits.add(edit{id: id, kind: written})
		p.insert(id)
		if x, at, ok := p.slot(id); ok {
			p.put(x, at, newRow(*item, begin))
		}
	}
}

// edit is a change that was made here.
type edit struct {
	id   int64
	kind editKind
}

type editKind int

const (
	written editKind = iota // the row is there
	deleted
	uncertain
)

// edits are the latest changes made here: those that a read or a write under way may have missed. What such a read
// found of the rows that they concern is older than what is known already.
type edits struct {
	count int64         // of all edits there have been
	list  []edit        // the latest
	open  map[int64]int // how many reads and writes under way began at each count
}

// begun notes that a read or a write begins, and returns the count of edits.
func (e *edits) begun() int64 {
	e.open[e.count]++
	return e.count
}

// ended notes that one ended that began at that count. Edits are forgotten that all those left began after.
func (e *edits) ended(begun int64) {
	if e.open[begun]--; e.open[begun] == 0 {
		delete(e.open, begun)
	}
	oldest := e.count
	for other := range e.open {
		oldest = min(oldest, other)
	}
	if e.list = e.since(oldest); len(e.list) == 0 {
		e.list = nil
	}
}

func (e *edits) add(done edit) {
	e.list = append(e.list, done)
	e.count++
}

// since returns the edits that followed when there had been so many.
func (e *edits) since(count int64) []edit { return e.list[int64(len(e.list))-(e.count-count):] }

// changed reports whether the row with that id was edited since there had been so many edits.
func (e *edits) changed(id, since int64) bool {
	return slices.ContainsFunc(e.since(since), func(done edit) bool { return done.id == id })
}

// applied returns ids, which were read when there had been so many edits, as those since then have left them.
func (e *edits) applied(ids []int64, since int64) []int64 {
	for _, done := range e.since(since) {
		at, found := slices.BinarySearch(ids, done.id)
		switch {
		case done.kind == written && !found:
			ids = slices.Insert(ids, at, done.id)
		case done.kind == deleted && found:
			ids = slices.Delete(ids, at, at+1)
		}
	}
	return ids
}
