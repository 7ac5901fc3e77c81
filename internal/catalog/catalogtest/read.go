package catalogtest

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
)

func (e Engine[T]) testRead(t *testing.T) {
	f := e.empty(t)
	t.Run("empty table", func(t *testing.T) {
		page, err := f.store.Page(t.Context(), 0, 10)
		found, _, idErr := f.store.IDs(t.Context(), "")
		if len(page)+len(found) > 0 || err != nil || idErr != nil {
			t.Errorf("the page is %v (%v) and the ids are %v (%v), want none", page, err, found, idErr)
		}
	})
	items := f.numbered(1, 51, 101, 151, 1<<32, math.MaxInt64-1, math.MaxInt64)
	// The order of the writes differs from the order of the ids.
	f.put(items[6], items[2], items[0], items[5], items[1], items[4], items[3])
	if f.db.SQL != nil {
		f.insertElsewhere(f.item(-5, "below")) // only other applications can use negative ids
	}
	t.Run("get", func(t *testing.T) { f.testGet(t, items) })
	t.Run("get many", func(t *testing.T) { f.testGetMany(t, items) })
	t.Run("page", func(t *testing.T) { f.testPage(t, items) })
	t.Run("ids", func(t *testing.T) {
		if diff := gocmp.Diff(keys(items), f.ids()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("ping", func(t *testing.T) {
		if err := f.store.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("canceled context", f.testEnded)
}

func (f *fixture[T]) testGet(t *testing.T, items []T) {
	for _, item := range items {
		got, err := f.store.Get(t.Context(), item.Key())
		if diff := gocmp.Diff(item, got); diff != "" || err != nil {
			t.Errorf("id %d: %v %s", item.Key(), err, diff)
		}
	}
	for _, id := range []int64{math.MinInt64, -1, 0, 2, 50, 52, math.MaxInt64 - 2} {
		if got, err := f.store.Get(t.Context(), id); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("Get(%d): got %v and %v, want ErrNotFound", id, got, err)
		}
	}
}

func (f *fixture[T]) testGetMany(t *testing.T, items []T) {
	most := []int64{math.MinInt64, -1, 0, 2, 52}
	for len(most) < 500-len(items) {
		most = append(most, 1000+int64(len(most)))
	}
	for name, c := range map[string]struct {
		ids  []int64
		want []T
	}{
		"one":                    {[]int64{51}, items[1:2]},
		"only missing ids":       {[]int64{2}, nil},
		"some, in another order": {[]int64{math.MaxInt64, 2, 1}, []T{items[0], items[6]}},
		"the maximum, and all":   {append(most, keys(items)...), items},
	} {
		got, err := f.store.GetMany(t.Context(), c.ids)
		slices.SortFunc(got, func(a, b T) int { return cmp.Compare(a.Key(), b.Key()) })
		if diff := gocmp.Diff(append([]T{}, c.want...), append([]T{}, got...)); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func (f *fixture[T]) testPage(t *testing.T, items []T) {
	for _, c := range []struct {
		name     string
		after    int64
		limit    int
		from, to int // of items
	}{
		{"all", 0, 100, 0, 7},
		{"first", 0, 1, 0, 1},
		{"after an id that exists", 1, 2, 1, 3},
		{"after an id that doesn't exist", 2, 2, 1, 3},
		{"after the second largest", math.MaxInt64 - 1, 5, 6, 7},
		{"after the largest", math.MaxInt64, 5, 7, 7},
		{"beyond 32 bits", 151, 2, 4, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := f.store.Page(t.Context(), c.after, c.limit)
			if diff := gocmp.Diff(keys(items[c.from:c.to]), keys(got)); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		})
	}
}

func (f *fixture[T]) testEnded(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := f.store.Get(ended, 1)
	_, manyErr := f.store.GetMany(ended, []int64{1})
	_, pageErr := f.store.Page(ended, 0, 1)
	_, _, idsErr := f.store.IDs(ended, "")
	importErr := f.store.Import(ended, true, noRoster)
	pingErr := f.store.Ping(ended)
	for name, err := range map[string]error{
		"Get": getErr, "GetMany": manyErr, "Page": pageErr, "IDs": idsErr, "Import": importErr, "Ping": pingErr,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", name, err)
		}
	}
	if _, err := f.store.Get(t.Context(), 1); err != nil {
		t.Errorf("the store is unusable after the canceled calls: %v", err)
	}
}
