package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Write changes one item, like Store.Write. Every pick that begins later sees the change.
//
// If the state of the row is uncertain, the row is dropped from the cache and the next pick reads it. The state is
// uncertain if the store didn't confirm the change, or if the change overlapped with another change to the same row, so
// that their order is unknown.
func (s *Service[T]) Write(ctx context.Context, id int64, change ChangeFunc[T]) (*T, error) {
	edited, begin := s.beginRead()
	item, err := (*T)(nil), ErrMaybeWritten // in case the store panics
	defer func() { s.applyWrite(id, item, err, edited, begin) }()
	if item, err = s.store.Write(ctx, id, change); err != nil {
		return nil, fmt.Errorf("writing a %s: %w", s.Kind.Singular, err)
	}
	return item, nil
}

// applyWrite applies the result of a write to the cache. begin and edited are the time and the edit count at the start
// of the write.
func (s *Service[T]) applyWrite(id int64, item *T, err error, edited int64, begin time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.edits.ended(edited)
	if id == 0 && err == nil {
		id = (*item).Key()
	}
	switch {
	case err != nil && !errors.Is(err, ErrMaybeWritten):
	case err != nil, s.edits.changed(id, edited):
		s.edits.add(edit{id: id, kind: uncertain})
		s.forget(id)
	case item == nil:
		s.edits.add(edit{id: id, kind: deleted})
		s.remove(id)
	default:
		s.edits.add(edit{id: id, kind: written})
		s.insert(id)
		if x, at, ok := s.slot(id); ok {
			s.put(x, at, newRow(*item, begin))
		}
	}
}

// edit is a change made by this process.
type edit struct {
	id   int64
	kind editKind
}

type editKind int

const (
	written editKind = iota // the row exists
	deleted
	uncertain
)

// edits holds the recent changes made by this process that a read or write in progress may have missed. A read that
// missed a change may return stale values for the changed row.
type edits struct {
	count int64         // total number of edits
	list  []edit        // the most recent ones
	open  map[int64]int // number of reads and writes in progress, by the edit count at which they began
}

// begun records the beginning of a read or write, and returns the edit count.
func (e *edits) begun() int64 {
	e.open[e.count]++
	return e.count
}

// ended records the end of a read or write, given the edit count that was recorded when it began. It drops the edits
// that no remaining operation can have missed.
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

// since returns the edits made after the given edit count.
func (e *edits) since(count int64) []edit { return e.list[int64(len(e.list))-(e.count-count):] }

// changed reports whether the row with the given id was edited after the given edit count.
func (e *edits) changed(id, since int64) bool {
	return slices.ContainsFunc(e.since(since), func(done edit) bool { return done.id == id })
}

// applied takes ids and the edit count at which they were read, and returns the ids with all later edits applied.
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
