package catalogtest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (e Engine[T]) testStart(t *testing.T) {
	t.Run("an empty database is seeded", func(t *testing.T) {
		f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
		roster := f.numbered(f.steps(3)...)
		f.store = f.open(feed(roster...))
		if diff := cmp.Diff(roster, f.all()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("eight concurrent starts seed one roster", e.testStartsAtOnce)
	t.Run("an existing empty table stays empty and unaltered", e.testFoundEmpty)
	t.Run("a failed start leaves nothing behind", e.testFailedStart)
	t.Run("a canceled start leaves nothing behind", e.testCutOffStart)
}

func (e Engine[T]) testStartsAtOnce(t *testing.T) {
	f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
	var roster []T
	for i := range 100 {
		roster = append(roster, f.item(0, "item "+strconv.Itoa(i)))
	}
	var fillings atomic.Int32
	seed := func(put func(T) error) error {
		fillings.Add(1)
		return feed(roster...)(put)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			store, err := f.db.Open(t.Context(), seed)
			if err != nil {
				t.Errorf("opening: %v", err)
				return
			}
			defer func() { _ = store.Close() }()
			found, _, err := store.IDs(t.Context(), "")
			if diff := cmp.Diff(f.steps(len(roster)), found); diff != "" || err != nil {
				t.Errorf("ids: %v %v", err, diff)
			}
		})
	}
	group.Wait()
	if n := fillings.Load(); n != 1 {
		t.Errorf("the table was seeded %d times", n)
	}
}

func (e Engine[T]) testFoundEmpty(t *testing.T) {
	f := e.empty(t)
	before := f.describe()
	f.store = f.open(feed(f.numbered(1, 2)...))
	if found := f.ids(); len(found) > 0 {
		t.Errorf("the empty table has the ids %v", found)
	}
	if diff := cmp.Diff(before, f.describe()); diff != "" {
		t.Errorf("the tables were altered: %s", diff)
	}
}

func (e Engine[T]) testFailedStart(t *testing.T) {
	f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
	failure := errors.New("the roster is torn")
	store, err := f.db.Open(t.Context(), func(put func(T) error) error {
		return errors.Join(put(f.item(7, "lost")), failure)
	})
	if !errors.Is(err, failure) {
		t.Fatalf("got the store %v and %v, want the cause", store, err)
	}
	e.checkFilled(f)
}

func (e Engine[T]) testCutOffStart(t *testing.T) {
	f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store, err := f.db.Open(ctx, func(put func(T) error) error {
		defer cancel()
		return put(f.item(7, "lost"))
	})
	if err == nil {
		_ = store.Close()
		t.Fatal("a start whose context ended succeeded")
	}
	e.checkFilled(f)
}

// checkFilled opens the store and expects it to be seeded like a new database.
func (e Engine[T]) checkFilled(f *fixture[T]) {
	f.Helper()
	roster := f.numbered(f.steps(2)...)
	f.store = f.open(feed(roster...))
	if diff := cmp.Diff(roster, f.all()); diff != "" {
		f.Error(diff)
	}
}
