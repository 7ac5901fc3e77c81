package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
)

func (e Engine[T]) testImport(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"is idempotent by id", e.testIdempotent},
		{"gives the next ids", e.testNextIDs},
		{"never reuses an id", e.testIDsOfDeleted},
		{"refuses an item when no id is left", e.testNoIDLeft},
		{"replaces", e.testReplace},
		{"is rolled back when the feed fails", e.testFeedFails},
		{"is rolled back when the context ends", e.testImportCutOff},
		{"of many rows", e.testManyRows},
		{"runs concurrently with others", e.testImportsAtOnce},
	} {
		t.Run(c.name, c.run)
	}
	if e.UniqueNames {
		t.Run("refuses a name that is taken", e.testNameTaken)
	}
}

func (e Engine[T]) testIdempotent(t *testing.T) {
	f := e.empty(t)
	items := f.numbered(1, 51, 7)
	f.put(items...)
	before := f.all()
	f.put(items...)
	if diff := cmp.Diff(before, f.all()); diff != "" {
		t.Errorf("the second import changed: %s", diff)
	}
	items[1] = f.item(51, "new name")
	f.set(&items[1], "picture", "")
	f.put(items...)
	if diff := cmp.Diff([]T{items[0], items[2], items[1]}, f.all()); diff != "" {
		t.Errorf("after an overwrite: %s", diff)
	}
}

func (e Engine[T]) testNextIDs(t *testing.T) {
	f, step := e.empty(t), e.Kind.Table.Step
	f.put(f.item(0, "a"), f.item(0, "b"), f.item(1000, "c"), f.item(0, "d"), f.item(3, "e"), f.item(0, "f"))
	f.put(f.item(0, "g"))
	want := []int64{1, 1 + step, 3, 1000, 1000 + step, 1000 + 2*step, 1000 + 3*step}
	if step == 1 {
		want = []int64{1, 2, 3, 1000, 1001, 1002, 1003}
	} else {
		want[1], want[2] = want[2], want[1]
	}
	if diff := cmp.Diff(want, f.ids()); diff != "" {
		t.Error(diff)
	}
}

func (e Engine[T]) testIDsOfDeleted(t *testing.T) {
	f := e.empty(t)
	f.put(f.item(0, "a"), f.item(0, "b"))
	ids := f.steps(4)
	f.exec(f.db.SQL, fmt.Sprintf("DELETE FROM %s WHERE id = %d", e.Kind.Table.Name, ids[1]))
	f.put(f.item(0, "c"))
	if diff := cmp.Diff([]int64{ids[0], ids[2]}, f.ids()); diff != "" {
		t.Errorf("after a deletion: %s", diff)
	}
	if err := f.store.Import(t.Context(), true, noRoster); err != nil {
		t.Fatal(err)
	}
	f.store = f.open(noRoster)
	f.put(f.item(0, "d"))
	if diff := cmp.Diff([]int64{ids[3]}, f.ids()); diff != "" {
		t.Errorf("after all were deleted: %s", diff)
	}
}

func (e Engine[T]) testNoIDLeft(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(math.MaxInt64)...)
	err := f.store.Import(t.Context(), false, func(put func(T) error) error {
		if err := put(f.item(0, "one too many")); !errors.Is(err, catalog.ErrRefused) {
			t.Errorf("got %v, want ErrRefused", err)
		}
		return put(f.item(5, "five"))
	})
	if diff := cmp.Diff([]int64{5, math.MaxInt64}, f.ids()); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func (e Engine[T]) testReplace(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1, 51, 101)...)
	items := []T{f.item(51, "item 1"), f.item(52, "item 51")} // names of the old items
	if err := f.store.Import(t.Context(), true, feed(items...)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(items, f.all()); diff != "" {
		t.Error(diff)
	}
}

func (e Engine[T]) testFeedFails(t *testing.T) {
	for name, replace := range map[string]bool{"adding": false, "replacing": true} {
		t.Run(name, func(t *testing.T) {
			f := e.empty(t)
			f.put(f.numbered(1, 51)...)
			before, failure := f.all(), errors.New("torn file")
			err := f.store.Import(t.Context(), replace, func(put func(T) error) error {
				return errors.Join(feed(f.item(1, "changed"), f.item(0, "new"), f.item(500, "newer"))(put), failure)
			})
			if !errors.Is(err, failure) {
				t.Errorf("got %v, want the feed's error", err)
			}
			if diff := cmp.Diff(before, f.all()); diff != "" {
				t.Error(diff)
			}
			f.put(f.item(0, "later")) // the store still works
		})
	}
}

func (e Engine[T]) testImportCutOff(t *testing.T) {
	for name, replace := range map[string]bool{"adding": false, "replacing": true} {
		t.Run(name, func(t *testing.T) {
			f := e.empty(t)
			f.put(f.numbered(1, 51)...)
			before := f.all()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := f.store.Import(ctx, replace, func(put func(T) error) error {
				first := put(f.item(1, "changed"))
				cancel()
				_ = put(f.item(0, "new")) // a feed that ignores the error must not get its rows in either
				return first
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			if diff := cmp.Diff(before, f.all()); diff != "" {
				t.Error(diff)
			}
			f.put(f.item(0, "later"))
		})
	}
}

// testManyRows imports more rows than are sent to a server in one batch.
func (e Engine[T]) testManyRows(t *testing.T) {
	f := e.empty(t)
	var items []T
	for i := range int64(1234) {
		items = append(items, f.numbered(1+3*i)...)
	}
	f.put(items...)
	if diff := cmp.Diff(items, f.all()); diff != "" {
		t.Error(diff)
	}
}

func (e Engine[T]) testNameTaken(t *testing.T) {
	f := e.empty(t)
	f.put(f.item(1, "Gotham"), f.item(2, "Krypton"))
	err := f.store.Import(t.Context(), false, func(put func(T) error) error {
		for name, item := range map[string]T{
			"new without an id": f.item(0, "Gotham"), "new with one": f.item(9, "Gotham"), "renamed": f.item(2, "Gotham"),
		} {
			if err := put(item); !errors.Is(err, catalog.ErrRefused) {
				t.Errorf("%s: got %v, want ErrRefused", name, err)
			}
		}
		return feed(f.item(3, "gotham"), f.item(4, "Gotham "), f.item(5, "Gothåm"), f.item(1, "Gotham"))(put)
	})
	if err != nil {
		t.Fatalf("the transaction didn't continue: %v", err)
	}
	want := []T{f.item(1, "Gotham"), f.item(2, "Krypton"), f.item(3, "gotham"), f.item(4, "Gotham "), f.item(5, "Gothåm")}
	if diff := cmp.Diff(want, f.all()); diff != "" {
		t.Error(diff)
	}
}

// testImportsAtOnce imports from several processes at the same time, some rows with ids and some without.
func (e Engine[T]) testImportsAtOnce(t *testing.T) {
	f := e.empty(t)
	const importers, rows = 4, 20
	var group sync.WaitGroup
	for n := range importers {
		store := f.open(noRoster)
		group.Go(func() {
			for i := range rows {
				name := fmt.Sprintf("%d of %d", i, n)
				items := []T{f.item(0, name), f.item(int64(1_000_000*(rows-i)+10_000*n), name+" with an id")}
				if err := store.Import(t.Context(), false, feed(items...)); err != nil {
					t.Errorf("import %s: %v", name, err)
				}
			}
		})
	}
	group.Wait()
	if n := len(f.ids()); n != 2*importers*rows {
		t.Errorf("%d items, want %d", n, 2*importers*rows)
	}
}
