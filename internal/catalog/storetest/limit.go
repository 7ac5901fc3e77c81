package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/internal/catalog"
)

// counting is a store that counts the rows that are read by their ids.
type counting[T catalog.Item] struct {
	catalog.Store[T]
	gets atomic.Int64
}

func (s *counting[T]) Get(ctx context.Context, id int64) (T, error) {
	s.gets.Add(1)
	return s.Store.Get(ctx, id)
}

func (s *counting[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	s.gets.Add(int64(len(ids)))
	return s.Store.GetMany(ctx, ids)
}

// testCrossLimit has a table grow above the limit of the snapshot, and shrink again, by another's hand: above it, it is
// read like strict.
func (e Engine[T]) testCrossLimit(t *testing.T) {
	f := e.empty(t)
	items := f.numbered(1, 51, 101)
	f.put(items...)
	store := &counting[T]{Store: f.store}
	f.store = store
	table := e.Kind.Table.Name
	picker := f.picker(profile{limit: int64(10 * (256 + len(items[0].AppendJSON(nil))))})
	// read returns how many of 20 picks were read by their id. None of them is the one that must not come.
	read := func(never int64) int64 {
		before := store.gets.Load()
		for range 20 {
			item, err := picker.Random(t.Context())
			if err != nil || item.Key() == never {
				t.Fatalf("drew %v (%v)", item, err)
			}
		}
		return store.gets.Load() - before
	}
	if n := read(0); n != 0 {
		t.Errorf("below the limit %d picks were read", n)
	}
	for id := range int64(30) {
		f.exec(f.db.SQL, f.insertion(f.item(1000+id, fmt.Sprint("more ", id))))
	}
	time.Sleep(freshness)
	if n := read(0); n != 20 {
		t.Errorf("above the limit %d of 20 picks were read", n)
	}
	f.exec(f.db.SQL, "DELETE FROM "+table+" WHERE id = 1000")
	if n := read(1000); n < 20 {
		t.Errorf("above the limit %d of 20 picks were read", n)
	}
	f.exec(f.db.SQL, "DELETE FROM "+table+" WHERE id > 1000")
	for deadline := time.Now().Add(30 * time.Second); read(0) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("below the limit again, picks are still read")
		}
	}
}
