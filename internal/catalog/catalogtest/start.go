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
	t.Run("eight concurrent starts seed the roster only once", e.testStartsAtOnce)
	t.Run("an existing empty table stays empty and unaltered", e.testFoundEmpty)
	t.Run("a failed or canceled start leaves no rows behind", e.testFailedStart)
}

func (e Engine[T]) testStartsAtOnce(t *testing.T) {
	f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
	var roster []T
	for i := range 100 {
		roster = append(roster, f.item(0, "item "+strconv.Itoa(i)))
	}
	var seeded atomic.Int32
	seed := func(put func(T) error) error {
		seeded.Add(1)
		return feed(roster...)(put)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			store, err := f.db.open(t.Context(), seed)
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
	if n := seeded.Load(); n != 1 {
		t.Errorf("the table was seeded %d times", n)
	}
}

func (e Engine[T]) testFoundEmpty(t *testing.T) {
	f := e.empty(t)
	before := f.describe()
	f.store = f.open(feed(f.numbered(1, 2)...))
	f.expect()
	if diff := cmp.Diff(before, f.describe()); diff != "" {
		t.Errorf("the tables were altered: %s", diff)
	}
}

// testFailedStart makes two starts fail, and checks that the next start seeds the table as usual.
func (e Engine[T]) testFailedStart(t *testing.T) {
	f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
	failure := errors.New("the roster is truncated")
	store, err := f.db.open(t.Context(), func(put func(T) error) error {
		return errors.Join(put(f.item(7, "lost")), failure)
	})
	if !errors.Is(err, failure) {
		t.Fatalf("opening returned the store %v and %v, want the seed's error", store, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store, err = f.db.open(ctx, func(put func(T) error) error {
		defer cancel()
		return put(f.item(7, "lost"))
	})
	if err == nil {
		_ = store.Close()
		t.Fatal("the store opened even though its context was canceled")
	}
	roster := f.numbered(f.steps(3)...)
	f.store = f.open(feed(roster...))
	f.expect(roster...)
}
