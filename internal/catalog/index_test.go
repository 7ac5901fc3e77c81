package catalog_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"superheroes/internal/catalog"
)

// rowsRead returns how many rows are read while do runs.
func rowsRead(store *faultyStore, do func()) int {
	count := func() int {
		store.mu.Lock()
		defer store.mu.Unlock()
		return store.rows
	}
	before := count()
	do()
	return count() - before
}

func TestRowsInMemory(t *testing.T) {
	inBubbleWith(t, "each row of an unchanged table is read once", eco, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		rows := rowsRead(store, func() {
			for range 1000 {
				mustPick(t, picker)
				time.Sleep(10 * time.Millisecond)
			}
		})
		if rows != 3 {
			t.Errorf("%d rows were read", rows)
		}
	})
	inBubbleWith(t, "nothing is read from a loaded table", eco, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		var ids []int64
		for id := int64(1); id < 2000; id++ {
			ids = append(ids, id)
		}
		store.become(ids...)
		picked := map[int64]bool{}
		rows := rowsRead(store, func() {
			for range 50_000 {
				picked[mustPick(t, picker)] = true
				time.Sleep(100 * time.Microsecond)
			}
		})
		if rows != 1999 || len(picked) != 1999 { // the chance that one is missed is e^-17
			t.Errorf("%d rows were read, %d of 1999 were picked", rows, len(picked))
		}
		if _, ready := picker.Ready(); !ready {
			t.Error("not ready")
		}
	})
	inBubbleWith(t, "a deleted row isn't picked a second later", eco, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		mustPick(t, picker)
		time.Sleep(499 * time.Millisecond)
		mustPick(t, picker)
		store.become(51)
		time.Sleep(time.Second)
		for range 100 {
			if id := mustPick(t, picker); id != 51 {
				t.Fatalf("picked %d", id)
			}
		}
	})
	inBubbleWith(t, "a catalog that becomes empty", eco, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		mustPick(t, picker)
		store.become()
		time.Sleep(time.Second)
		if item, err := picker.Random(t.Context()); !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %v and %v, want ErrEmpty", item, err)
		}
	})
	inBubbleWith(t, "while the ids are read too slowly, a row is read by its id", eco, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.failWith(func(ctx context.Context) error {
			err := slow(2 * time.Second)(ctx)
			store.mu.Lock()
			defer store.mu.Unlock()
			store.version++ // the table keeps changing
			return err
		})
		if rows := rowsRead(store, func() { mustPick(t, picker) }); rows != 1 {
			t.Errorf("%d rows were read", rows)
		}
	})
}

// rowsOf20 returns how many rows are read for 20 picks, after many others.
func rowsOf20(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) int {
	t.Helper()
	for range 500 {
		mustPick(t, picker)
	}
	synctest.Wait()
	return rowsRead(store, func() {
		for range 20 {
			mustPick(t, picker)
		}
	})
}

// TestSnapshotLimit checks that 256 bytes a row plus its JSON count, to the byte.
func TestSnapshotLimit(t *testing.T) {
	const size = 3 * (256 + len(`"name"`))
	for name, c := range map[string]struct {
		limit int64
		rows  int
	}{
		"at the limit": {int64(size), 0},
		"above it":     {int64(size) - 1, 20},
		"far above it": {1, 20},
	} {
		inBubbleWith(t, name, c.limit, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
			store.name = "name"
			if rows := rowsOf20(t, store, picker); rows != c.rows {
				t.Errorf("%d rows were read for 20 picks", rows)
			}
		})
	}
}

// TestCrossSnapshotLimit lets a table grow beyond the limit, change there, and shrink again, at several rates of
// picks.
func TestCrossSnapshotLimit(t *testing.T) {
	const limit = 10_000
	few, many := []int64{1, 51, 101}, make([]int64, 40) // 40 of 256 bytes exceed it
	for i := range many {
		many[i] = int64(1 + 50*i)
	}
	for _, every := range []time.Duration{10 * time.Millisecond, 700 * time.Millisecond, time.Minute} {
		inBubbleWith(t, "picked from every "+every.String(), limit, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
			pickFor := func(long time.Duration) {
				for begin := time.Now(); time.Since(begin) < long; time.Sleep(every) {
					mustPick(t, picker)
				}
			}
			for range 3 {
				if rows := rowsOf20(t, store, picker); rows != 0 {
					t.Errorf("below the limit, %d rows were read", rows)
				}
				store.become(many...)
				pickFor(time.Second)
				if rows := rowsOf20(t, store, picker); rows != 20 {
					t.Errorf("above the limit, %d rows were read", rows)
				}
				store.become(few...)
				pickFor(7 * time.Second)
			}
		})
	}
	inBubbleWith(t, "a table that stays above it costs one row per pick", limit, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.name = strings.Repeat("long", limit)
		picks := 0
		rows := rowsRead(store, func() {
			for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(10 * time.Millisecond) {
				store.become(1, 51, 101)
				mustPick(t, picker)
				picks++
			}
		})
		if rows != picks {
			t.Errorf("%d rows were read for %d picks", rows, picks)
		}
	})
}

func TestRandomJSON(t *testing.T) {
	inBubble(t, "returns the item", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.become(7)
		body, err := picker.RandomJSON(t.Context())
		if string(body) != `""` || err != nil {
			t.Errorf("got %s and %v", body, err)
		}
	})
	inBubble(t, "of an empty catalog", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.become()
		if body, err := picker.RandomJSON(t.Context()); body != nil || !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %s and %v, want ErrEmpty", body, err)
		}
	})
}
