package catalog_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"superheroes/internal/catalog"
)

// rowsRead runs a function and returns the number of rows that the function read.
func rowsRead(store *simulated, do func()) int {
	before := store.count(&store.rows)
	do()
	return store.count(&store.rows) - before
}

func TestRowsInMemory(t *testing.T) {
	inBubbleWith(t, "each row of an unchanged table is read once", eco, func(t *testing.T, store *simulated, picker *service) {
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
	inBubbleWith(t, "a fully loaded table is not read again", eco, func(t *testing.T, store *simulated, picker *service) {
		var ids []int64
		for id := int64(1); id < 2000; id++ {
			ids = append(ids, id)
		}
		store.setIDs(ids...)
		picked := map[int64]bool{}
		rows := rowsRead(store, func() {
			for range 50_000 {
				picked[mustPick(t, picker)] = true
				time.Sleep(100 * time.Microsecond)
			}
		})
		if rows != 1999 || len(picked) != 1999 { // the probability of missing a row is e^-17
			t.Errorf("%d rows were read and %d were picked, want 1999", rows, len(picked))
		}
		if _, ready := picker.Ready(); !ready {
			t.Error("not ready")
		}
	})
	inBubbleWith(t, "rows are read by id as long as reading all ids takes too long", eco, func(t *testing.T, store *simulated, picker *service) {
		store.failWith(func(ctx context.Context, rows bool) error {
			store.elsewhere() // the table keeps changing
			return takes(2*time.Second)(ctx, rows)
		})
		if rows := rowsRead(store, func() { mustPick(t, picker) }); rows != 1 {
			t.Errorf("%d rows were read", rows)
		}
	})
}

// rowsOf20 makes 500 picks, and then returns the number of rows read for a further 20 picks.
func rowsOf20(t *testing.T, store *simulated, picker *service) int {
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

// TestSnapshotLimit checks that each row counts towards the memory limit as exactly 256 bytes plus the length of its
// JSON.
func TestSnapshotLimit(t *testing.T) {
	const size = 3*256 + len(`"1 at 0""51 at 0""101 at 0"`)
	for name, c := range map[string]struct {
		limit int64
		rows  int
	}{
		"at the limit": {int64(size), 0},
		"above it":     {int64(size) - 1, 20},
		"far above it": {1, 20},
	} {
		inBubbleWith(t, name, c.limit, func(t *testing.T, store *simulated, picker *service) {
			if rows := rowsOf20(t, store, picker); rows != c.rows {
				t.Errorf("%d rows were read for 20 picks, want %d", rows, c.rows)
			}
		})
	}
}

// TestCrossSnapshotLimit repeatedly grows a table beyond the memory limit and shrinks it again, at several pick
// rates.
func TestCrossSnapshotLimit(t *testing.T) {
	const limit = 10_000
	few, many := []int64{1, 51, 101}, make([]int64, 40) // 40 rows of 256 bytes exceed the limit
	for i := range many {
		many[i] = int64(1 + 50*i)
	}
	for _, every := range []time.Duration{10 * time.Millisecond, 700 * time.Millisecond, time.Minute} {
		inBubbleWith(t, "picked from every "+every.String(), limit, func(t *testing.T, store *simulated, picker *service) {
			pickFor := func(long time.Duration) {
				for begin := time.Now(); time.Since(begin) < long; time.Sleep(every) {
					mustPick(t, picker)
				}
			}
			for range 3 {
				if rows := rowsOf20(t, store, picker); rows != 0 {
					t.Errorf("below the limit, %d rows were read for 20 picks, want 0", rows)
				}
				store.setIDs(many...)
				pickFor(time.Second)
				if rows := rowsOf20(t, store, picker); rows != 20 {
					t.Errorf("above the limit, %d rows were read for 20 picks, want 20", rows)
				}
				store.setIDs(few...)
				pickFor(7 * time.Second)
			}
		})
	}
	inBubbleWith(t, "a table that exceeds the limit costs one read per pick", limit, func(t *testing.T, store *simulated, picker *service) {
		picks := 0
		rows := rowsRead(store, func() {
			for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(10 * time.Millisecond) {
				store.setIDs(many...)
				mustPick(t, picker)
				picks++
			}
		})
		if rows != picks {
			t.Errorf("%d rows were read for %d picks, want one per pick", rows, picks)
		}
	})
}

func TestRandomJSON(t *testing.T) {
	inBubble(t, "returns the item", func(t *testing.T, store *simulated, picker *service) {
		store.setIDs(7)
		body, err := picker.RandomJSON(t.Context())
		if string(body) != `"7 at 0"` || err != nil {
			t.Errorf("got %s and %v", body, err)
		}
	})
	inBubble(t, "of an empty catalog", func(t *testing.T, store *simulated, picker *service) {
		store.setIDs()
		if body, err := picker.RandomJSON(t.Context()); body != nil || !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %s and %v, want ErrEmpty", body, err)
		}
	})
}
