package catalogtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"superheroes/internal/catalog"
)

// profile is a way to pick: from rows in memory, or reading each.
type profile struct {
	name  string
	limit int64         // of the picker
	stale time.Duration // for how long a pick may return a row that was deleted or changed
}

// freshness is for how long picks may miss a new row.
const freshness = time.Second

func profiles() []profile {
	return []profile{{"strict", 0, 0}, {"eco", 64 << 20, freshness}}
}

func (e Engine[T]) testPicker(t *testing.T) {
	for _, p := range profiles() {
		t.Run(p.name, func(t *testing.T) {
			for _, c := range []struct {
				name string
				test func(*testing.T, profile)
			}{
				{"an empty catalog", e.testPickOfNone},
				{"each item is equally likely", e.testUniform},
				{"a deleted row is never picked", e.testPickDuringDeletions},
				{"a new row is picked within a second", e.testPickOfNew},
				{"a changed row is picked in its new state", e.testPickOfChanged},
				{"an id that no client can request is never picked", e.testPickOfNoID},
				{"a store that fails", e.testPickFromFailing},
				{"an outage", e.testPickDuringOutage},
			} {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel() // it mostly waits
					c.test(t, p)
				})
			}
		})
	}
	t.Run("crossing the limit of a snapshot", func(t *testing.T) {
		t.Parallel()
		e.testCrossLimit(t)
	})
	e.testBatches(t)
	t.Run("a biased picker is detected", e.testBiased)
}

func (f *fixture[T]) picker(p profile) *catalog.Picker[T] {
	picker := catalog.NewPicker(f.store, p.limit)
	f.Cleanup(picker.Close)
	return picker
}

func (e Engine[T]) testPickOfNone(t *testing.T, p profile) {
	f := e.empty(t)
	picker := f.picker(p)
	if item, err := picker.Random(t.Context()); !errors.Is(err, catalog.ErrEmpty) {
		t.Errorf("got %v and %v, want ErrEmpty", item, err)
	}
	f.exec(f.db.SQL, f.insertion(f.item(51, "first")))
	time.Sleep(freshness)
	item, err := picker.Random(t.Context())
	if err != nil || item.Key() != 51 {
		t.Errorf("got %v and %v, want the one that was added", item, err)
	}
	f.exec(f.db.SQL, "DELETE FROM "+e.Kind.Table.Name)
	time.Sleep(p.stale)
	if item, err := picker.Random(t.Context()); !errors.Is(err, catalog.ErrEmpty) {
		t.Errorf("after the deletion: got %v and %v, want ErrEmpty", item, err)
	}
}

// A table created by another application may hold ids below 1, which no list shows.
func (e Engine[T]) testPickOfNoID(t *testing.T, p profile) {
	f := e.empty(t)
	for id, name := range map[int64]string{-5: "below", 7: "good"} {
		f.exec(f.db.SQL, f.insertion(f.item(id, name)))
	}
	picker := f.picker(p)
	for range 20 {
		if item, err := picker.Random(t.Context()); err != nil || item.Key() != 7 {
			t.Fatalf("got %v and %v, want the id 7", item, err)
		}
	}
}

// leastP is the p-value below which a picker counts as biased: an unbiased one gets there once in a million runs.
const leastP = 1e-6

// gaps returns a store with 40 items whose ids are 1, 51, 101, ….
func (e Engine[T]) gaps(t *testing.T) *fixture[T] {
	f := e.empty(t)
	var items []T
	for i := range int64(40) {
		items = append(items, f.numbered(1+50*i)...)
	}
	f.put(items...)
	return f
}

// testUniform picks from many goroutines at once: from ids with gaps, and then, with the same picker, after another
// client has deleted every third row.
func (e Engine[T]) testUniform(t *testing.T, p profile) {
	f := e.gaps(t)
	picker := f.picker(p)
	if p := f.uniformity(100_000, picker.Random); p < leastP {
		t.Errorf("with gaps: p = %g", p)
	}
	f.exec(f.db.SQL, "DELETE FROM "+e.Kind.Table.Name+" WHERE id % 3 = 0")
	time.Sleep(p.stale)
	if p := f.uniformity(50_000, picker.Random); p < leastP {
		t.Errorf("after deletions: p = %g", p)
	}
}

// testBiased tests the check itself: picking the next row from a random point of the range of ids, as many programs do,
// favours the row after a wide gap.
func (e Engine[T]) testBiased(t *testing.T) {
	f := e.gaps(t)
	f.exec(f.db.SQL, "DELETE FROM "+e.Kind.Table.Name+" WHERE id % 3 = 0")
	highest := slices.Max(f.ids())
	biased := func(ctx context.Context) (T, error) {
		page, err := f.store.Page(ctx, rand.Int64N(highest), 1)
		if err != nil || len(page) == 0 {
			var none T
			return none, fmt.Errorf("nothing was picked: %w", err)
		}
		return page[0], nil
	}
	if p := f.uniformity(20_000, biased); p >= leastP {
		t.Errorf("it passes for uniform: p = %g", p)
	}
}

// uniformity makes that many picks and returns the p-value of the result. An item that isn't in the store fails the test.
func (f *fixture[T]) uniformity(picks int, pick func(context.Context) (T, error)) float64 {
	f.Helper()
	const workers = 8
	ids := f.ids()
	tallies := make([][]int, workers)
	group, ctx := errgroup.WithContext(f.Context())
	for w := range workers {
		group.Go(func() (err error) {
			tallies[w], err = tally(ctx, pick, ids, picks/workers)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		f.Fatal(err)
	}
	counts := make([]int, len(ids))
	for _, part := range tallies {
		for i, n := range part {
			counts[i] += n
		}
	}
	p := PValue(counts)
	f.Logf("%d picks from %d items: p = %.3g", picks, len(ids), p)
	return p
}

// tally counts n picks by id.
func tally[T catalog.Item](ctx context.Context, pick func(context.Context) (T, error), ids []int64, n int) ([]int, error) {
	counts := make([]int, len(ids))
	for range n {
		item, err := pick(ctx)
		if err != nil {
			return nil, err
		}
		at, known := slices.BinarySearch(ids, item.Key())
		if !known {
			return nil, fmt.Errorf("picked %v, which isn't in the store", item)
		}
		counts[at]++
	}
	return counts, nil
}

// testPickDuringDeletions deletes one row after another while others pick. A pick that begins
// p.stale or later after the deletion never returns the row.
func (e Engine[T]) testPickDuringDeletions(t *testing.T, p profile) {
	f := e.gaps(t)
	picker := f.picker(p)
	var deleted sync.Map // times of deletion by id
	pick := func(ctx context.Context) error {
		begin := time.Now()
		item, err := picker.Random(ctx)
		if err != nil {
			return err
		}
		if at, gone := deleted.Load(item.Key()); gone && begin.Sub(at.(time.Time)) >= p.stale {
			return fmt.Errorf("picked %v, which was deleted %s before", item, begin.Sub(at.(time.Time)))
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	group, ctx := errgroup.WithContext(ctx)
	for range 4 {
		group.Go(func() error {
			for ctx.Err() == nil {
				if err := pick(ctx); err != nil && ctx.Err() == nil {
					return err
				}
			}
			return nil
		})
	}
	ids := f.ids()
	for i, id := range ids[:len(ids)-1] {
		f.exec(f.db.SQL, fmt.Sprintf("DELETE FROM %s WHERE id = %d", e.Kind.Table.Name, id))
		deleted.Store(id, time.Now())
		for range 20 {
			if err := pick(t.Context()); err != nil {
				t.Fatalf("with %d rows left: %v", len(ids)-i-1, err)
			}
		}
		time.Sleep(p.stale / 20)
	}
	time.Sleep(p.stale)
	if item, err := picker.Random(t.Context()); err != nil || item.Key() != ids[len(ids)-1] {
		t.Errorf("got %v and %v, want the last remaining row", item, err)
	}
	cancel()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// testPickOfNew waits for exactly as long as a new row may be missed, because that is the promise.
func (e Engine[T]) testPickOfNew(t *testing.T, p profile) {
	for name, meanwhile := range map[string]func(*catalog.Picker[T], time.Time) error{
		"while others pick": func(picker *catalog.Picker[T], until time.Time) error {
			for time.Now().Before(until) {
				if _, err := picker.Random(t.Context()); err != nil {
					return err
				}
			}
			return nil
		},
		"while nobody picks": func(_ *catalog.Picker[T], until time.Time) error {
			time.Sleep(time.Until(until))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := e.empty(t)
			f.put(f.numbered(1)...)
			picker := f.picker(p)
			if _, err := picker.Random(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.exec(f.db.SQL, f.insertion(f.item(51, "new")))
			if err := meanwhile(picker, time.Now().Add(freshness)); err != nil {
				t.Fatal(err)
			}
			for range 64 { // the chance that it is missed is 2^-64
				if item, err := picker.Random(t.Context()); err != nil || item.Key() == 51 {
					return
				}
			}
			t.Error("it was not picked")
		})
	}
}

// testPickOfChanged updates a row; both forms of a pick must return the same.
func (e Engine[T]) testPickOfChanged(t *testing.T, p profile) {
	f := e.empty(t)
	f.put(f.numbered(51)...)
	picker := f.picker(p)
	for _, want := range []T{f.item(51, "item 51"), f.item(51, "other")} {
		item, err := picker.Random(t.Context())
		if err != nil || item.Label() != want.Label() {
			t.Errorf("got %v and %v, want %v", item, err, want)
		}
		body, err := picker.RandomJSON(t.Context())
		if err != nil || !bytes.Equal(body, want.AppendJSON(nil)) {
			t.Errorf("got %s and %v, want %v", body, err, want)
		}
		f.exec(f.db.SQL, "UPDATE "+e.Kind.Table.Name+" SET name = 'other' WHERE id = 51")
		time.Sleep(p.stale)
	}
}

// failing is a store that fails on demand.
type failing[T catalog.Item] struct {
	catalog.Store[T]
	ids, rows atomic.Bool
}

var errAway = errors.New("the store is away")

func (s *failing[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	if s.ids.Load() {
		return nil, "", errAway
	}
	return s.Store.IDs(ctx, known)
}

func (s *failing[T]) Get(ctx context.Context, id int64) (T, error) {
	if s.rows.Load() {
		var none T
		return none, errAway
	}
	return s.Store.Get(ctx, id)
}

func (s *failing[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	if s.rows.Load() {
		return nil, errAway
	}
	return s.Store.GetMany(ctx, ids)
}

func (s *failing[T]) Page(ctx context.Context, after int64, limit int) ([]T, error) {
	if s.rows.Load() {
		return nil, errAway
	}
	return s.Store.Page(ctx, after, limit)
}

// testPickFromFailing checks that a pick fails and recovers with the store, and never looks like an empty catalog.
func (e Engine[T]) testPickFromFailing(t *testing.T, p profile) {
	for name, broken := range map[string]func(*failing[T]) *atomic.Bool{
		"the ids":  func(s *failing[T]) *atomic.Bool { return &s.ids },
		"the rows": func(s *failing[T]) *atomic.Bool { return &s.rows },
	} {
		t.Run(name, func(t *testing.T) {
			f := e.empty(t)
			f.put(f.numbered(1, 51)...)
			store := &failing[T]{Store: f.store}
			f.store = store
			picker := f.picker(p)
			for _, changed := range []string{"one", "other"} {
				broken(store).Store(true)
				f.exec(f.db.SQL, "UPDATE "+e.Kind.Table.Name+" SET name = '"+changed+"' WHERE id = 51")
				time.Sleep(freshness)
				if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
					t.Errorf("got %v and %v, want the store's error", item, err)
				}
				broken(store).Store(false)
				if item, err := picker.Random(t.Context()); err != nil {
					t.Errorf("got %v and %v from a store that is back", item, err)
				}
			}
		})
	}
}
