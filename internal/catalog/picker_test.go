package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// entry is a minimal catalog item.
type entry struct {
	id    int64
	level int32
	name  string
}

func (e entry) Key() int64                        { return e.id }
func (e entry) Label() string                     { return e.name }
func (e entry) AppendJSON(dst []byte) []byte      { return catalog.AppendString(dst, e.name) }
func (e entry) Check(func(field, message string)) {}

// faultyStore is a store whose reads of the ids can fail or hang, which a real one can't do on demand.
type faultyStore struct {
	catalog.Store[entry]
	// fault, if set, is called before the ids are read.
	fault func(context.Context) error

	name string // of every row
	bad  int64  // the id of a row that can't be read, 0 for none

	mu      sync.Mutex
	ids     []int64
	version int
	reads   int // of the ids
	rows    int // read
	asked   int // queries for rows
}

func newFaultyStore(ids ...int64) *faultyStore { return &faultyStore{ids: ids, version: 1} }

func (s *faultyStore) Get(_ context.Context, id int64) (entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows++
	s.asked++
	switch {
	case !slices.Contains(s.ids, id):
		return entry{}, catalog.ErrNotFound
	case id == s.bad:
		return entry{}, &storage.RowError{What: "entry", ID: fmt.Sprint(id), Err: errors.New("level is too high")}
	}
	return entry{id: id, name: s.name}, nil
}

func (s *faultyStore) GetMany(_ context.Context, ids []int64) (found []entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	for _, id := range ids {
		if id == s.bad {
			return nil, &storage.RowError{What: "entry", ID: fmt.Sprint(id), Err: errors.New("level is too high")}
		}
		if slices.Contains(s.ids, id) {
			s.rows++
			found = append(found, entry{id: id, name: s.name})
		}
	}
	return found, nil
}

func (s *faultyStore) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	s.mu.Lock()
	s.reads++
	fault := s.fault
	s.mu.Unlock()
	if fault != nil {
		if err := fault(ctx); err != nil {
			return nil, "", err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	version := catalog.Version(fmt.Sprint(s.version))
	if version == known {
		return nil, known, nil
	}
	return append([]int64(nil), s.ids...), version, nil
}

// become replaces the rows.
func (s *faultyStore) become(ids ...int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = ids
	s.version++
}

// failWith sets the fault, nil for none.
func (s *faultyStore) failWith(fault func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *faultyStore) readsSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *faultyStore) askedSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

var errAway = errors.New("the store is away")

func away(context.Context) error { return errAway }

// hang hangs until the caller gives up, like a black hole.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func slow(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(d):
			return nil
		}
	}
}

// The limits of a picker that caches no rows, and of one that caches every table here.
const (
	strict = 0
	eco    = 1 << 30
)

// inBubble runs a test with a picker of each profile, on a fake clock that advances only while everything sleeps.
func inBubble(t *testing.T, name string, run func(t *testing.T, store *faultyStore, picker *catalog.Service[entry])) {
	t.Run(name, func(t *testing.T) {
		inBubbleWith(t, "strict", strict, run)
		inBubbleWith(t, "eco", eco, run)
	})
}

// inBubbleWith runs a test with a picker with the limit.
func inBubbleWith(t *testing.T, name string, limit int64, run func(t *testing.T, store *faultyStore, picker *catalog.Service[entry])) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store := newFaultyStore(1, 51, 101)
			picker := catalog.NewService(catalog.Kind[entry]{}, store, limit)
			defer picker.Close()
			run(t, store, picker)
		})
	})
}

func mustPick(t *testing.T, picker *catalog.Service[entry]) int64 {
	t.Helper()
	item, err := picker.Random(t.Context())
	if err != nil {
		t.Fatalf("picking: %v", err)
	}
	return item.id
}

func TestPickerReadsTheIDs(t *testing.T) {
	inBubble(t, "never while nobody picks", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := store.readsSoFar(); n != 0 {
			t.Errorf("%d reads before the first pick", n)
		}
		mustPick(t, picker)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := store.readsSoFar(); n != 1 {
			t.Errorf("%d reads for one pick", n)
		}
	})
	inBubble(t, "at most twice a second under load", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		const seconds = 10
		for end := time.Now().Add(seconds * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			mustPick(t, picker)
		}
		if n := store.readsSoFar(); n < seconds || n > 2*seconds {
			t.Errorf("%d reads in %d seconds", n, seconds)
		}
	})
	inBubble(t, "once for concurrent picks", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.failWith(slow(100 * time.Millisecond))
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { mustPick(t, picker) })
		}
		group.Wait()
		if n := store.readsSoFar(); n != 1 {
			t.Errorf("%d reads", n)
		}
	})
	inBubble(t, "without blocking picks under load", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		mustPick(t, picker)
		store.failWith(slow(400 * time.Millisecond))
		for range 500 {
			time.Sleep(10 * time.Millisecond)
			begin := time.Now()
			mustPick(t, picker)
			if waited := time.Since(begin); waited > 0 {
				t.Fatalf("a pick waited %s", waited)
			}
		}
	})
}

func TestPickerFreshness(t *testing.T) {
	for _, every := range []time.Duration{time.Millisecond, 100 * time.Millisecond, 499 * time.Millisecond, 999 * time.Millisecond, time.Second} {
		inBubble(t, "picked from every "+every.String(), func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
			for range 20 {
				mustPick(t, picker)
				time.Sleep(every)
			}
			changed := time.Now()
			store.become(1, 51, 101, 151)
			for time.Since(changed) < time.Second {
				mustPick(t, picker)
				time.Sleep(min(every, time.Second-time.Since(changed)))
			}
			for range 200 {
				if mustPick(t, picker) == 151 {
					return
				}
			}
			t.Error("a row added a second ago isn't picked")
		})
	}
	inBubbleWith(t, "a catalog emptied without a new version is empty", strict, func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		mustPick(t, picker)
		store.mu.Lock()
		store.ids = nil // the version stays
		store.mu.Unlock()
		if item, err := picker.Random(t.Context()); !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %v and %v, want ErrEmpty", item, err)
		}
	})
}

func TestPickerWithFailingStore(t *testing.T) {
	inBubble(t, "fails and recovers with the store", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.failWith(away)
		for range 3 {
			if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
				t.Errorf("got %v and %v, want the store's error", item, err)
			}
		}
		store.failWith(nil)
		mustPick(t, picker)
	})
	inBubble(t, "continues as long as its index is fresh", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		mustPick(t, picker)
		store.failWith(away)
		time.Sleep(999 * time.Millisecond)
		mustPick(t, picker)
		time.Sleep(time.Millisecond)
		if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v and %v, want the store's error", item, err)
		}
	})
	inBubble(t, "a caller waits no longer than its context lives", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.failWith(hang)
		var group sync.WaitGroup
		for i := range 20 {
			patience := time.Duration(1+i) * 100 * time.Millisecond
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				begin := time.Now()
				_, err := picker.Random(ctx)
				if waited := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || waited != patience {
					t.Errorf("got %v after %s, want a timeout after %s", err, waited, patience)
				}
			})
		}
		group.Wait()
		if n := store.readsSoFar(); n != 1 {
			t.Errorf("%d hanging reads, want 1", n)
		}
	})
	inBubble(t, "picks that wait together fail after at most two reads", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.failWith(func(ctx context.Context) error { return errors.Join(slow(100*time.Millisecond)(ctx), errAway) })
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
					t.Errorf("got %v and %v, want the store's error", item, err)
				}
			})
		}
		group.Wait()
		if n := store.readsSoFar(); n > 2 {
			t.Errorf("%d reads", n)
		}
	})
	inBubble(t, "a hanging read is abandoned", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.failWith(hang)
		begin := time.Now()
		if item, err := picker.Random(t.Context()); err == nil {
			t.Errorf("got %v", item)
		}
		if waited := time.Since(begin); waited > 5*time.Second {
			t.Errorf("waited %s for it", waited)
		}
		store.failWith(nil)
		mustPick(t, picker)
	})
	inBubble(t, "Close cancels a read", func(t *testing.T, store *faultyStore, picker *catalog.Service[entry]) {
		store.failWith(hang)
		failed := make(chan error)
		go func() {
			_, err := picker.Random(t.Context())
			failed <- err
		}()
		synctest.Wait()
		begin := time.Now()
		picker.Close()
		if err := <-failed; !errors.Is(err, context.Canceled) || time.Since(begin) > 0 {
			t.Errorf("got %v after %s", err, time.Since(begin))
		}
	})
}

// quickStore is a store whose rows with even ids are always gone by the time they are read.
type quickStore struct{ catalog.Store[entry] }

func (quickStore) IDs(context.Context, catalog.Version) ([]int64, catalog.Version, error) {
	return []int64{1, 2, 3, 4, 5, 6}, "", nil
}

func (quickStore) GetMany(_ context.Context, ids []int64) (found []entry, err error) {
	for _, id := range ids {
		if id%2 != 0 {
			found = append(found, entry{id: id})
		}
	}
	return found, nil
}

func (quickStore) Get(_ context.Context, id int64) (entry, error) {
	if id%2 == 0 {
		return entry{}, catalog.ErrNotFound
	}
	return entry{id: id}, nil
}

// TestPickerDuringDeletions checks that a pick that finds its row gone, and so renews the ids, doesn't make the catalog
// look empty to another pick.
func TestPickerDuringDeletions(t *testing.T) {
	for name, limit := range map[string]int64{"strict": strict, "eco": eco} {
		t.Run(name, func(t *testing.T) {
			picker := catalog.NewService(catalog.Kind[entry]{}, quickStore{}, limit)
			defer picker.Close()
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					for range 5000 {
						item, err := picker.Random(t.Context())
						if err != nil || item.id%2 == 0 {
							t.Errorf("got %v and %v", item, err)
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}
