package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
)

func (e Engine[T]) testWrite(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"a new item gets the next id", e.testCreate},
		{"a new item is refused when no id is left", e.testCreateNoID},
		{"a new item never takes the id of another", e.testCreateAmongOthers},
		{"an item is replaced", e.testReplaceOne},
		{"an item is deleted", e.testDelete},
		{"a missing item is not found", e.testWriteNothing},
		{"a change that fails changes nothing", e.testChangeFails},
		{"a canceled change changes nothing", e.testWriteCutOff},
		{"concurrent changes are serialised", e.testWritesAtOnce},
		{"items created concurrently get distinct ids", e.testCreatesAtOnce},
	} {
		t.Run(c.name, c.run)
	}
	if e.UniqueNames {
		t.Run("a name that is taken is refused", e.testWriteTaken)
	}
	for _, p := range profiles() {
		t.Run("picks see it, "+p.name, func(t *testing.T) { e.testPicksSeeWrites(t, p) })
	}
}

// create returns a change that creates an item.
func create[T any](item T) func(*T) (*T, error) {
	return func(old *T) (*T, error) {
		if old != nil {
			return nil, fmt.Errorf("got %v, want no old item", *old)
		}
		return &item, nil
	}
}

func remove[T any](*T) (*T, error) { return nil, nil }

// write writes to the store and requires that it succeeds.
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
	if diff := cmp.Diff(want, f.all()); diff != "" {
		t.Error(diff)
	}
	f.write(ids[2], remove[T])
	f.store = f.open(noRoster)
	if got := f.write(0, create(f.item(0, "later"))); (*got).Key() != ids[3] {
		t.Errorf("after the last was deleted: got the id %d, want %d", (*got).Key(), ids[3])
	}
}

// testCreateAmongOthers inserts rows as another application, with ids that the sequence has not given yet, and imports
// in between.
func (e Engine[T]) testCreateAmongOthers(t *testing.T) {
	f := e.empty(t)
	f.write(0, create(f.item(0, "first")))
	for i, id := range f.steps(40)[1:] {
		f.exec(f.db.SQL, f.insertion(f.item(id, "other "+strconv.Itoa(i))))
	}
	f.write(0, create(f.item(0, "second")))
	f.put(f.item(100_000, "imported"), f.item(0, "imported too"))
	f.write(0, create(f.item(0, "third")))
	f.put(f.item(0, "imported last"))
	ids := f.ids()
	if len(ids) != 45 || len(slices.Compact(ids)) != 45 {
		t.Errorf("there are %d items: %v", len(ids), ids)
	}
	for _, item := range f.all() {
		if id := item.Key(); item.Label() == "third" && id <= 100_000 {
			t.Errorf("the id %d is not above the imported one", id)
		}
	}
}

func (e Engine[T]) testCreateNoID(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(math.MaxInt64)...)
	if got, err := f.store.Write(t.Context(), 0, create(f.item(0, "one too many"))); got != nil || !errors.Is(err, catalog.ErrNoID) {
		t.Errorf("got %v and %v, want ErrNoID", got, err)
	}
	f.write(math.MaxInt64, remove[T])
}

func (e Engine[T]) testReplaceOne(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1, 51, 101)...)
	want := f.item(51, "new name")
	f.set(&want, "picture", "")
	var before T
	got := f.write(51, func(old *T) (*T, error) {
		before = *old
		changed := want
		return &changed, nil
	})
	if diff := cmp.Diff(f.item(51, "item 51"), before); diff != "" {
		t.Errorf("the change got: %s", diff)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("returned: %s", diff)
	}
	if diff := cmp.Diff([]T{f.item(1, "item 1"), want, f.item(101, "item 101")}, f.all()); diff != "" {
		t.Errorf("stored: %s", diff)
	}
	f.write(51, func(old *T) (*T, error) { return old, nil }) // a change without effect is no failure
}

func (e Engine[T]) testDelete(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1, 51, 101)...)
	if got := f.write(51, remove[T]); got != nil {
		t.Errorf("got %v, want nothing", *got)
	}
	if diff := cmp.Diff([]int64{1, 101}, f.ids()); diff != "" {
		t.Error(diff)
	}
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
			t.Errorf("%d: got %v and %v, want ErrNotFound", id, got, err)
		}
	}
	if diff := cmp.Diff([]int64{1}, f.ids()); diff != "" {
		t.Error(diff)
	}
}

func (e Engine[T]) testChangeFails(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1)...)
	before, failure := f.all(), errors.New("not as it was")
	for _, id := range []int64{0, 1} {
		changed := f.item(id, "changed")
		if got, err := f.store.Write(t.Context(), id, func(*T) (*T, error) { return &changed, failure }); got != nil || !errors.Is(err, failure) {
			t.Errorf("%d: got %v and %v, want the error of the change", id, got, err)
		}
	}
	if diff := cmp.Diff(before, f.all()); diff != "" {
		t.Error(diff)
	}
	f.write(1, remove[T]) // the store still works
}

func (e Engine[T]) testWriteCutOff(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1)...)
	before := f.all()
	for _, id := range []int64{0, 1} {
		ctx, cancel := context.WithCancel(t.Context())
		changed := f.item(id, "changed")
		_, err := f.store.Write(ctx, id, func(*T) (*T, error) {
			cancel()
			return &changed, nil
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, catalog.ErrMaybeWritten) {
			t.Errorf("%d: got %v, want context.Canceled", id, err)
		}
	}
	if diff := cmp.Diff(before, f.all()); diff != "" {
		t.Error(diff)
	}
	f.write(1, remove[T])
}

// testWritesAtOnce increments a number in an item from several processes: no increment may be lost. Each also makes a
// conditional change, like one with If-Match.
func (e Engine[T]) testWritesAtOnce(t *testing.T) {
	f := e.empty(t)
	f.put(f.item(1, "0"))
	const writers, rounds = 4, 15
	refused := errors.New("odd")
	var group sync.WaitGroup
	for range writers {
		store := f.open(noRoster)
		group.Go(func() {
			for range rounds {
				_, err := store.Write(t.Context(), 1, func(old *T) (*T, error) {
					n, err := strconv.Atoi((*old).Label())
					if err != nil {
						return nil, err
					}
					next := f.item(1, strconv.Itoa(n+1))
					return &next, nil
				})
				if err != nil {
					t.Error(err)
				}
				_, err = store.Write(t.Context(), 1, func(old *T) (*T, error) { return old, refused })
				if !errors.Is(err, refused) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := f.all()[0].Label(); got != strconv.Itoa(writers*rounds) {
		t.Errorf("%s changes were made, %d acknowledged", got, writers*rounds)
	}
}

func (e Engine[T]) testCreatesAtOnce(t *testing.T) {
	f := e.empty(t)
	const writers, rounds = 4, 20
	var group sync.WaitGroup
	for n := range writers {
		store := f.open(noRoster)
		group.Go(func() {
			for i := range rounds {
				if _, err := store.Write(t.Context(), 0, create(f.item(0, fmt.Sprintf("%d of %d", i, n)))); err != nil {
					t.Errorf("%d of %d: %v", i, n, err)
				}
				if i%10 != 5 {
					continue
				}
				if err := store.Import(t.Context(), false, feed(f.item(0, fmt.Sprintf("%d of %d imported", i, n)))); err != nil {
					t.Errorf("concurrent import: %v", err)
				}
			}
		})
	}
	group.Wait()
	if n := len(f.ids()); n != writers*(rounds+2) {
		t.Errorf("%d items, want %d", n, writers*(rounds+2))
	}
}

func (e Engine[T]) testWriteTaken(t *testing.T) {
	f := e.empty(t)
	f.put(f.item(1, "Gotham"), f.item(2, "Krypton"))
	before := f.all()
	renamed := f.item(2, "Gotham")
	for id, change := range map[int64]func(*T) (*T, error){
		0: create(f.item(0, "Gotham")),
		2: func(*T) (*T, error) { return &renamed, nil },
	} {
		if _, err := f.store.Write(t.Context(), id, change); !errors.Is(err, catalog.ErrTaken) || !errors.Is(err, catalog.ErrRefused) {
			t.Errorf("%d: got %v, want ErrTaken", id, err)
		}
	}
	if diff := cmp.Diff(before, f.all()); diff != "" {
		t.Error(diff)
	}
	f.write(0, create(f.item(0, "gotham")))
	f.write(1, func(old *T) (*T, error) { return old, nil })
}

// testPicksSeeWrites checks that picks of the writing process see a write at once, and those of another process as soon
// as they see any change.
func (e Engine[T]) testPicksSeeWrites(t *testing.T, p profile) {
	f := e.empty(t)
	f.put(f.numbered(1)...)
	ours := catalog.NewService(e.Kind, f.store, p.limit)
	theirs := catalog.NewService(e.Kind, f.open(noRoster), p.limit)
	defer ours.Close()
	defer theirs.Close()
	pick := func(from *catalog.Service[T]) string {
		item, err := from.Random(t.Context())
		if err != nil && !errors.Is(err, catalog.ErrEmpty) {
			t.Fatal(err)
		}
		return item.Label() // "" if there is none
	}
	// writes changes the table, and then expects its only item to have the name.
	writes := func(id int64, change func(*T) (*T, error), name string) {
		_, _ = pick(ours), pick(theirs) // makes them as fresh as possible
		if _, err := ours.Write(t.Context(), id, change); err != nil {
			t.Fatal(err)
		}
		if got := pick(ours); got != name {
			t.Errorf("picked %q, want %q", got, name)
		}
		time.Sleep(freshness)
		if got := pick(theirs); got != name {
			t.Errorf("a second later the other process picked %q, want %q", got, name)
		}
	}
	renamed := f.item(1, "renamed")
	writes(1, func(*T) (*T, error) { return &renamed, nil }, "renamed")
	writes(1, remove[T], "")
	writes(0, create(f.item(0, "added")), "added")
	writes(f.ids()[0], remove[T], "")
}
