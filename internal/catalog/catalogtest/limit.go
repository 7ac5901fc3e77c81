package catalogtest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/internal/catalog"
)

// counting is a store that counts the rows read by id and the reads of all ids. The former can be delayed, the latter
// held back.
type counting[T catalog.Item] struct {
	catalog.Store[T]
	delay time.Duration // of each read
	gets  atomic.Int64
	ids   atomic.Int64
	held  atomic.Pointer[chan struct{}] // reads of all ids wait until it is closed; nil means they don't
}

func (s *counting[T]) Get(ctx context.Context, id int64) (T, error) {
	s.gets.Add(1)
	time.Sleep(s.delay)
	return s.Store.Get(ctx, id)
}

func (s *counting[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	s.gets.Add(int64(len(ids)))
	time.Sleep(s.delay)
	return s.Store.GetMany(ctx, ids)
}

func (s *counting[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	s.ids.Add(1)
	time.Sleep(s.delay)
	if held := s.held.Load(); held != nil {
		select {
		case <-*held:
		case <-ctx.Done():
			return nil, "", context.Cause(ctx)
		}
	}
	return s.Store.IDs(ctx, known)
}

// testCrossLimit lets another client grow a table beyond the limit of the snapshot and shrink it again: above the limit
// it is read like in strict.
func (e Engine[T]) testCrossLimit(t *testing.T) {
	f := e.empty(t)
	items := f.numbered(1, 51, 101)
	f.put(items...)
	store := &counting[T]{Store: f.store}
	f.store = store
	table := e.Kind.Table.Name
	picker := f.picker(profile{limit: int64(10 * (256 + len(items[0].AppendJSON(nil))))})
	// read returns how many of 20 picks were read by id. None of them may be the item with the id never.
	read := func(never int64) int64 {
		before := store.gets.Load()
		for range 20 {
			item, err := picker.Random(t.Context())
			if err != nil || item.Key() == never {
				t.Fatalf("picked %v (%v)", item, err)
			}
		}
		return store.gets.Load() - before
	}
	readsNothing := func() {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); read(0) > 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("below the limit, picks still read rows")
			}
		}
	}
	readsNothing()
	for id := range int64(30) {
		f.exec(f.db.SQL, f.insertion(f.item(1000+id, fmt.Sprint("more ", id))))
	}
	time.Sleep(freshness)
	if n := read(0); n != 20 {
		t.Errorf("above the limit, %d of 20 picks read a row", n)
	}
	f.exec(f.db.SQL, "DELETE FROM "+table+" WHERE id = 1000")
	if n := read(1000); n < 20 {
		t.Errorf("above the limit, %d of 20 picks read a row", n)
	}
	f.exec(f.db.SQL, "DELETE FROM "+table+" WHERE id > 1000")
	readsNothing()
}
