package catalog_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"superheroes/internal/catalog"
)

// lateStore answers a read of the ids only some time after it was made.
type lateStore struct {
	*faultyStore
	delay time.Duration
}

func (s lateStore) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	ids, version, err := s.faultyStore.IDs(ctx, known)
	time.Sleep(s.delay)
	return ids, version, err
}

// TestChanged: picks that begin after a change see it, whatever the picker was about to do when it was told.
func TestChanged(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(t *testing.T, picker *catalog.Picker[entry]) // the change
	}{
		{"before any pick", func(*testing.T, *catalog.Picker[entry]) {}},
		{"after a pick", func(t *testing.T, picker *catalog.Picker[entry]) { mustPick(t, picker) }},
		{"while a renewal in the background has read already", func(t *testing.T, picker *catalog.Picker[entry]) {
			mustPick(t, picker)
			time.Sleep(600 * time.Millisecond)
			mustPick(t, picker)
			synctest.Wait()
		}},
		{"while a pick waits for a renewal that has read already", func(t *testing.T, picker *catalog.Picker[entry]) {
			go func() { _, _ = picker.Random(t.Context()) }()
			synctest.Wait()
		}},
	} {
		for name, limit := range map[string]int64{"strict": strict, "eco": eco} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := lateStore{newFaultyStore(1), 100 * time.Millisecond}
					picker := catalog.NewPicker[entry](store, limit)
					defer picker.Close()
					c.before(t, picker)
					store.become(51)
					picker.Changed()
					for begin := time.Now(); time.Since(begin) < 2*time.Second; time.Sleep(10 * time.Millisecond) {
						if got := mustPick(t, picker); got != 51 {
							t.Fatalf("picked %d, which is gone since %s", got, time.Since(begin))
						}
					}
				})
			})
		}
	}
}

// TestChangedCostsOneRead: picks after a change share one renewal, and one is enough.
func TestChangedCostsOneRead(t *testing.T) {
	inBubble(t, "", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		before := store.readsSoFar()
		store.become(51)
		picker.Changed()
		for range 100 {
			mustPick(t, picker)
		}
		if n := store.readsSoFar() - before; n != 1 {
			t.Errorf("%d reads", n)
		}
	})
}

// writingStore answers writes with an error of choice.
type writingStore struct {
	*faultyStore
	err error
}

func (s writingStore) Write(context.Context, int64, func(*entry) (*entry, error)) (*entry, error) {
	s.become(51)
	return nil, s.err
}

// TestWritesThatMayHaveBeenMade are seen by picks as if they were.
func TestWritesThatMayHaveBeenMade(t *testing.T) {
	store := writingStore{newFaultyStore(1), catalog.ErrMaybeWritten}
	service := catalog.NewService(catalog.Kind[entry]{}, store, eco)
	defer service.Close()
	if item, err := service.Random(t.Context()); err != nil || item.id != 1 {
		t.Fatalf("got %v and %v", item, err)
	}
	if _, err := service.Write(t.Context(), 1, nil); !errors.Is(err, catalog.ErrMaybeWritten) {
		t.Fatalf("got %v", err)
	}
	if item, err := service.Random(t.Context()); err != nil || item.id != 51 {
		t.Errorf("got %v and %v, want the state after the write", item, err)
	}
}
