package catalog_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"superheroes/internal/catalog"
)

// readsOf returns how many pages and single rows were read during do.
func readsOf(store *faultyStore, do func()) (pages, gets int) {
	before := func() (int, int) {
		store.mu.Lock()
		defer store.mu.Unlock()
		return store.pages, store.gets
	}
	pagesBefore, getsBefore := before()
	do()
	pagesAfter, getsAfter := before()
	return pagesAfter - pagesBefore, getsAfter - getsBefore
}

func TestRowsInMemory(t *testing.T) {
	inBubbleWith(t, "a pick reads nothing, an unchanged table is read once", eco, func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		pages, gets := readsOf(store, func() {
			for range 1000 {
				mustPick(t, picker)
				time.Sleep(10 * time.Millisecond)
			}
		})
		if pages != 1 || gets != 0 {
			t.Errorf("%d pages and %d rows were read", pages, gets)
		}
	})
	inBubbleWith(t, "a row that is gone isn't drawn a second later", eco, func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		time.Sleep(499 * time.Millisecond)
		mustPick(t, picker)
		store.become(51)
		time.Sleep(time.Second)
		for range 100 {
			if id := mustPick(t, picker); id != 51 {
				t.Fatalf("drew %d", id)
			}
		}
	})
	inBubbleWith(t, "a catalog that becomes empty", eco, func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		store.become()
		time.Sleep(time.Second)
		if item, err := picker.Random(t.Context()); !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %v and %v, want ErrEmpty", item, err)
		}
	})
	inBubbleWith(t, "more than a page, and ids below 1, which are left out", eco, func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		var ids []int64
		for id := int64(-3); id < 2000; id++ {
			ids = append(ids, id)
		}
		store.become(ids...)
		drawn := map[int64]bool{}
		for range 50_000 {
			drawn[mustPick(t, picker)] = true
		}
		if len(drawn) != 1999 || drawn[-3] || drawn[0] { // each is missed with a chance of e^-25
			t.Errorf("%d of 1999 were drawn; -3: %t, 0: %t", len(drawn), drawn[-3], drawn[0])
		}
	})
	inBubbleWith(t, "one that was read too slowly is read by its id", eco, func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		store.failWith(func(ctx context.Context) error {
			err := slow(2 * time.Second)(ctx)
			store.mu.Lock()
			defer store.mu.Unlock()
			store.version++ // the table changes all the time
			return err
		})
		if _, gets := readsOf(store, func() { mustPick(t, picker) }); gets != 1 {
			t.Errorf("%d rows were read", gets)
		}
	})
}

// TestSnapshotLimit: 256 bytes a row and its JSON count, to the byte.
func TestSnapshotLimit(t *testing.T) {
	const size = 3 * (256 + len(`"name"`))
	for name, c := range map[string]struct {
		limit int64
		gets  int
	}{
		"at the limit": {int64(size), 0},
		"above it":     {int64(size) - 1, 1},
		"far above it": {1, 1},
	} {
		inBubbleWith(t, name, c.limit, func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
			store.name = "name"
			if _, gets := readsOf(store, func() { mustPick(t, picker) }); gets != c.gets {
				t.Errorf("%d rows were read", gets)
			}
		})
	}
}

// TestCrossTheSnapshotLimit has a table grow above the limit, change there, and shrink again, under load and without.
func TestCrossTheSnapshotLimit(t *testing.T) {
	const limit = 10_000
	few, many := []int64{1, 51, 101}, make([]int64, 40) // 40 of 256 bytes are above it
	for i := range many {
		many[i] = int64(1 + 50*i)
	}
	for _, every := range []time.Duration{10 * time.Millisecond, 700 * time.Millisecond, time.Minute} {
		inBubbleWith(t, "drawn from every "+every.String(), limit, func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
			// after returns what is read for 20 picks when so much time has passed, with a pick now and then.
			after := func(wait time.Duration) (pages, gets int) {
				for begin := time.Now(); time.Since(begin) < wait; time.Sleep(every) {
					mustPick(t, picker)
				}
				return readsOf(store, func() {
					for range 20 {
						if id := mustPick(t, picker); !slices.Contains(store.ids, id) {
							t.Errorf("drew %d", id)
						}
					}
				})
			}
			for range 3 {
				if _, gets := after(0); gets != 0 {
					t.Errorf("below the limit, %d rows were read", gets)
				}
				store.become(many...)
				if _, gets := after(time.Second); gets != 20 {
					t.Errorf("above the limit, %d rows were read", gets)
				}
				store.become(few...)
				if _, gets := after(7 * time.Second); gets != 0 {
					t.Errorf("below the limit again, %d rows were read", gets)
				}
			}
		})
	}
	inBubbleWith(t, "one that stays above it is not tried all the time", limit, func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		store.name = strings.Repeat("long", limit)
		pages, _ := readsOf(store, func() {
			for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(10 * time.Millisecond) {
				store.become(1, 51, 101)
				mustPick(t, picker)
			}
		})
		if pages < 2 || pages > 13 {
			t.Errorf("it was tried %d times in a minute", pages)
		}
	})
}

func TestRandomJSON(t *testing.T) {
	inBubble(t, "is the item", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		store.become(7)
		body, err := picker.RandomJSON(t.Context())
		if string(body) != `""` || err != nil {
			t.Errorf("got %s and %v", body, err)
		}
	})
	inBubble(t, "of none", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		store.become()
		if body, err := picker.RandomJSON(t.Context()); body != nil || !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %s and %v, want ErrEmpty", body, err)
		}
	})
}
