package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
)

func (e Engine[T]) testWrite(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"a new item gets the next id", e.testCreate},
		{"a new item never reuses another item's id", e.testCreateAmongOthers},
		{"all ids are used up", e.testNoIDLeft},
		{"an item is replaced and deleted", e.testReplaceOne},
		{"a missing item is not found", e.testWriteNothing},
		{"a failed or canceled change has no effect", e.testChangeFails},
	} {
		t.Run(c.name, c.run)
	}
	if e.UniqueNames {
		t.Run("a duplicate name is rejected", e.testNameTaken)
	}
}

// create returns a change that creates an item.
func create[T any](item T) func(*T) (*T, error) {
	return func(old *T) (*T, error) {
		if old != nil {
			return nil, fmt.Errorf("change got the old item %v, want none", *old)
		}
		return &item, nil
	}
}

func remove[T any](*T) (*T, error) { return nil, nil }

// write writes to the store and fails the test on error.
func (f *fixture[T]) write(id int64, change func(*T) (*T, error)) *T {
	f.Helper()
	item, err := f.store.Write(f.Context(), id, change)
	if err != nil {
		f.Fatalf("writing %d: %v", id, err)
	}
	return item
}

func (e Engine[T]) testCreate(t *testing.T) {
	f := e.empty(t)
	ids := f.steps(4)
	var want []T
	for i, id := range ids[:3] {
		name := "é😀 " + strconv.Itoa(i)
		want = append(want, f.item(id, name))
		if diff := cmp.Diff(want[i], *f.write(0, create(f.item(0, name)))); diff != "" {
			t.Error(diff)
		}
	}
	f.expect(want...)
	f.write(ids[2], remove[T])
	f.store = f.open(noRoster)
	if got := f.write(0, create(f.item(0, "later"))); (*got).Key() != ids[3] {
		t.Errorf("after the last item was deleted: got id %d, want %d", (*got).Key(), ids[3])
	}
}

// testCreateAmongOthers alternately creates and imports items, after another application has inserted rows with ids
// that the sequence hasn't reached yet.
func (e Engine[T]) testCreateAmongOthers(t *testing.T) {
	f := e.empty(t)
	f.write(0, create(f.item(0, "first")))
	for i, id := range f.steps(40)[1:] {
		f.insertElsewhere(f.item(id, "other "+strconv.Itoa(i)))
	}
	f.write(0, create(f.item(0, "second")))
	f.put(f.item(100_000, "imported"), f.item(0, "imported too"))
	third := f.write(0, create(f.item(0, "third")))
	f.put(f.item(0, "imported last"))
	ids := f.ids()
	if len(ids) != 45 || len(slices.Compact(ids)) != 45 {
		t.Errorf("the store has the %d ids %v, want 45 distinct ids", len(ids), ids)
	}
	if id := (*third).Key(); id <= 100_000 {
		t.Errorf("the id %d is not above the imported id", id)
	}
}

func (e Engine[T]) testNoIDLeft(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(math.MaxInt64)...)
	tooMany := f.item(0, "one too many")
	if got, err := f.store.Write(t.Context(), 0, create(tooMany)); got != nil || !errors.Is(err, catalog.ErrNoID) {
		t.Errorf("got %v and %v, want ErrNoID", got, err)
	}
	err := f.store.Import(t.Context(), false, func(put func(T) error) error {
		if err := put(tooMany); !errors.Is(err, catalog.ErrRefused) {
			t.Errorf("got %v, want ErrRefused", err)
		}
		return put(f.item(5, "five"))
	})
	if diff := cmp.Diff([]int64{5, math.MaxInt64}, f.ids()); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	f.write(math.MaxInt64, remove[T])
}

func (e Engine[T]) testReplaceOne(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1, 51, 101)...)
	want := f.item(51, "new name")
	f.set(&want, "picture", "")
	got := f.write(51, func(old *T) (*T, error) {
		if diff := cmp.Diff(f.item(51, "item 51"), *old); diff != "" {
			t.Errorf("the change got: %s", diff)
		}
		changed := want
		return &changed, nil
	})
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("returned: %s", diff)
	}
	f.expect(f.item(1, "item 1"), want, f.item(101, "item 101"))
	f.write(51, func(old *T) (*T, error) { return old, nil }) // leaving the item unchanged is not an error
	if got := f.write(51, remove[T]); got != nil {
		t.Errorf("got %v, want nothing", *got)
	}
	f.expect(f.numbered(1, 101)...)
}

func (e Engine[T]) testWriteNothing(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1)...)
	for _, id := range []int64{2, 1 << 62} {
		got, err := f.store.Write(t.Context(), id, func(*T) (*T, error) {
			t.Error("the change was called")
			return nil, nil
		})
		if got != nil || !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("id %d: got %v and %v, want ErrNotFound", id, got, err)
		}
	}
	f.expect(f.numbered(1)...)
}

func (e Engine[T]) testChangeFails(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1)...)
	failure := errors.New("not as it was")
	for _, id := range []int64{0, 1} {
		changed := f.item(id, "changed")
		got, err := f.store.Write(t.Context(), id, func(*T) (*T, error) { return &changed, failure })
		if got != nil || !errors.Is(err, failure) {
			t.Errorf("id %d: got %v and %v, want the change's error", id, got, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err = f.store.Write(ctx, id, func(*T) (*T, error) {
			cancel()
			return &changed, nil
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, catalog.ErrMaybeWritten) {
			t.Errorf("id %d: got %v, want context.Canceled", id, err)
		}
	}
	f.expect(f.numbered(1)...)
	f.write(1, remove[T]) // the store still works
}

func (e Engine[T]) testNameTaken(t *testing.T) {
	f := e.empty(t)
	f.put(f.item(1, "Gotham"), f.item(2, "Krypton"))
	renamed := f.item(2, "Gotham")
	for id, change := range map[int64]func(*T) (*T, error){
		0: create(f.item(0, "Gotham")),
		2: func(*T) (*T, error) { return &renamed, nil },
	} {
		_, err := f.store.Write(t.Context(), id, change)
		if !errors.Is(err, catalog.ErrTaken) || !errors.Is(err, catalog.ErrRefused) {
			t.Errorf("id %d: got %v, want ErrTaken", id, err)
		}
	}
	others := []T{f.item(3, "gotham"), f.item(4, "Gotham "), f.item(5, "Gothåm")}
	err := f.store.Import(t.Context(), false, func(put func(T) error) error {
		for _, taken := range []T{f.item(0, "Gotham"), f.item(9, "Gotham"), renamed} {
			if err := put(taken); !errors.Is(err, catalog.ErrRefused) {
				t.Errorf("putting %v: got %v, want ErrRefused", taken, err)
			}
		}
		return feed(append(others, f.item(1, "Gotham"))...)(put)
	})
	if err != nil {
		t.Fatalf("the transaction didn't continue after rejected items: %v", err)
	}
	f.expect(append([]T{f.item(1, "Gotham"), f.item(2, "Krypton")}, others...)...)
	f.write(0, create(f.item(0, "GOTHAM")))
	f.write(1, func(old *T) (*T, error) { return old, nil })
}
