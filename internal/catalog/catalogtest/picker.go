package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"superheroes/internal/catalog"
)

// profile is a configuration of the picker: with cached rows, or with a read for each pick.
type profile struct {
	name  string
	limit int64         // of the picker
	stale time.Duration // how long picks may still return a row that was deleted or changed
}

// freshness is how long picks may miss a new row.
const freshness = time.Second

func profiles() []profile {
	return []profile{{"strict", 0, 0}, {"eco", 64 << 20, freshness}}
}

// testPicker checks the guarantees that a picker relies on. The picker itself is tested in package catalog, on a fake
// clock.
func (e Engine[T]) testPicker(t *testing.T) {
	for _, p := range profiles() {
		t.Run("all items are equally likely to be picked, "+p.name, func(t *testing.T) { e.testUniform(t, p) })
	}
	t.Run("changes become visible in time", e.testPicksSeeChanges)
	if e.Fresh(t).OpenAt != nil {
		e.testOutage(t)
	}
}

func (f *fixture[T]) picker(p profile) *catalog.Service[T] {
	picker := catalog.NewService(f.engine.Kind, f.store, p.limit)
	f.Cleanup(picker.Close)
	return picker
}

// leastP is the p-value below which a picker is considered biased: an unbiased picker falls below it once in a
// million runs.
const leastP = 1e-6

// testUniform picks from many goroutines at once: first from ids with gaps, then with the same picker after another
// client has deleted every third row.
func (e Engine[T]) testUniform(t *testing.T, p profile) {
	f := e.empty(t)
	ids := make([]int64, 40)
	for i := range ids {
		ids[i] = 1 + 50*int64(i)
	}
	f.put(f.numbered(ids...)...)
	picker := f.picker(p)
	if p := f.uniformity(20_000, picker.Random); p < leastP {
		t.Errorf("with gaps: p = %g", p)
	}
	f.exec(f.db.SQL, "DELETE FROM "+e.Kind.Table.Name+" WHERE id % 3 = 0")
	time.Sleep(p.stale)
	if p := f.uniformity(10_000, picker.Random); p < leastP {
		t.Errorf("after deletions: p = %g", p)
	}
}

// uniformity makes the given number of picks and returns the p-value of their distribution. Picking an item that isn't
// in the store fails the test.
func (f *fixture[T]) uniformity(picks int, pick func(context.Context) (T, error)) float64 {
	f.Helper()
	const workers = 8
	ids := f.ids()
	var mu sync.Mutex
	counts := make([]int, len(ids))
	group, ctx := errgroup.WithContext(f.Context())
	for range workers {
		group.Go(func() error {
			for range picks / workers {
				item, err := pick(ctx)
				if err != nil {
					return err
				}
				at, known := slices.BinarySearch(ids, item.Key())
				if !known {
					return fmt.Errorf("picked %v, which isn't in the store", item)
				}
				mu.Lock()
				counts[at]++
				mu.Unlock()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		f.Fatal(err)
	}
	return PValue(counts)
}

// testPicksSeeChanges changes a table with a single row. Picks in the process that makes a change must see it
// immediately, and picks in other processes within a second.
func (e Engine[T]) testPicksSeeChanges(t *testing.T) {
	f := e.empty(t)
	table := e.Kind.Table.Name
	other := &fixture[T]{TB: t, engine: e, db: f.db, store: f.open(noRoster)}
	var ours, theirs []*catalog.Service[T]
	for _, p := range profiles() {
		ours, theirs = append(ours, f.picker(p)), append(theirs, other.picker(p))
	}
	all := slices.Concat(ours, theirs)
	expect := func(when string, pickers []*catalog.Service[T], name string) {
		t.Helper()
		for _, picker := range pickers {
			item, err := picker.Random(t.Context())
			body, jsonErr := picker.RandomJSON(t.Context())
			switch {
			case name == "" && errors.Is(err, catalog.ErrEmpty):
			case err != nil || jsonErr != nil || item.Label() != name || string(body) != string(item.AppendJSON(nil)):
				t.Errorf("%s: picked %v and %s (%v, %v), want %q", when, item, body, err, jsonErr, name)
			}
		}
	}
	renamed := f.item(51, "renamed")
	for _, c := range []struct {
		when   string
		change func()
		own    bool
		name   string // name of the only row after the change, "" for no row
	}{
		{"added elsewhere", func() { f.exec(f.db.SQL, f.insertion(f.item(51, "first"))) }, false, "first"},
		{"changed elsewhere", func() { f.exec(f.db.SQL, "UPDATE "+table+" SET name = 'other' WHERE id = 51") }, false, "other"},
		{"changed here", func() { f.writeTo(ours, 51, func(*T) (*T, error) { return &renamed, nil }) }, true, "renamed"},
		{"deleted here", func() { f.writeTo(ours, 51, remove[T]) }, true, ""},
		{"added here", func() { f.writeTo(ours, 0, create(f.item(0, "added"))) }, true, "added"},
		{"deleted elsewhere", func() { f.exec(f.db.SQL, "DELETE FROM "+table) }, false, ""},
	} {
		for _, picker := range all {
			_, _ = picker.Random(t.Context()) // make the picker's index as fresh as possible
		}
		c.change()
		if c.own {
			expect("at once, "+c.when, ours[1:], c.name) // the picker that made the change
		}
		time.Sleep(freshness)
		expect("a second later, "+c.when, all, c.name)
	}
}

// writeTo makes a change through the last picker.
func (f *fixture[T]) writeTo(pickers []*catalog.Service[T], id int64, change func(*T) (*T, error)) {
	f.Helper()
	if _, err := pickers[len(pickers)-1].Write(f.Context(), id, change); err != nil {
		f.Fatalf("writing %d: %v", id, err)
	}
}
