package catalogtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (e Engine[T]) testImport(t *testing.T) {
	t.Run("is idempotent by id", e.testIdempotent)
	t.Run("assigns the next ids", e.testNextIDs)
	t.Run("never reuses an id", e.testIDsOfDeleted)
	for name, replace := range map[string]bool{"adding": false, "replacing": true} {
		t.Run("a failed import is rolled back, "+name, func(t *testing.T) { e.testImportFails(t, replace) })
	}
}

// testIdempotent imports the same rows twice, using more rows than fit into one batch. An import that replaces all rows
// may reuse their names.
func (e Engine[T]) testIdempotent(t *testing.T) {
	f := e.empty(t)
	ids := make([]int64, 1234)
	for i := range ids {
		ids[i] = 1 + 3*int64(i)
	}
	items := f.numbered(ids...)
	slices.Reverse(items)
	f.put(items...)
	f.put(items...)
	slices.Reverse(items)
	f.expect(items...)
	items[700] = f.item(ids[700], "new name")
	f.set(&items[700], "picture", "")
	f.put(items...)
	f.expect(items...)
	items = []T{f.item(51, "item 1"), f.item(52, "item 4")} // names of items that the import replaces
	if err := f.store.Import(t.Context(), true, feed(items...)); err != nil {
		t.Fatal(err)
	}
	f.expect(items...)
}

func (e Engine[T]) testNextIDs(t *testing.T) {
	f, step := e.empty(t), e.Kind.Table.Step
	f.put(f.item(0, "a"), f.item(0, "b"), f.item(1000, "c"), f.item(0, "d"), f.item(3, "e"), f.item(0, "f"))
	f.put(f.item(0, "g"))
	want := []int64{1, 1 + step, 3, 1000, 1000 + step, 1000 + 2*step, 1000 + 3*step}
	slices.Sort(want)
	if diff := cmp.Diff(want, f.ids()); diff != "" {
		t.Error(diff)
	}
}

func (e Engine[T]) testIDsOfDeleted(t *testing.T) {
	f := e.empty(t)
	f.put(f.item(0, "a"), f.item(0, "b"))
	ids := f.steps(4)
	f.deleteElsewhere(ids[1])
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
		t.Errorf("after the deletion of all items: %s", diff)
	}
}

// testImportFails makes one import fail with an error from its feed, and cancels another while its feed is running.
func (e Engine[T]) testImportFails(t *testing.T, replace bool) {
	f := e.empty(t)
	f.put(f.numbered(1, 51)...)
	failure := errors.New("truncated file")
	err := f.store.Import(t.Context(), replace, func(put func(T) error) error {
		return errors.Join(feed(f.item(1, "changed"), f.item(0, "new"), f.item(500, "newer"))(put), failure)
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v, want the feed's error", err)
	}
	f.expect(f.numbered(1, 51)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = f.store.Import(ctx, replace, func(put func(T) error) error {
		first := put(f.item(1, "changed"))
		cancel()
		_ = put(f.item(0, "new")) // the feed ignores the error, but its rows still must not be stored
		return first
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	f.expect(f.numbered(1, 51)...)
	f.put(f.item(0, "later")) // the store still works
}
