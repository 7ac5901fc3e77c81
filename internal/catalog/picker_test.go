package catalog_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"superheroes/internal/catalog"
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

// The memory limits of a picker that caches no rows and of a picker that caches every table in these tests.
const (
	strict = 0
	eco    = 1 << 30
)

// service is a service under test, with the table that it reads.
type service = catalog.Service[entry]

// inProfiles runs a test in each profile, on a fake clock that advances only while all goroutines are blocked.
func inProfiles(t *testing.T, name string, test func(t *testing.T, limit int64)) {
	t.Run(name, func(t *testing.T) {
		for profile, limit := range map[string]int64{"strict": strict, "eco": eco} {
			t.Run(profile, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, limit) })
			})
		}
	})
}

// inBubble runs a test in each profile, on a table with three rows.
func inBubble(t *testing.T, name string, run func(t *testing.T, store *simulated, picker *service)) {
	inProfiles(t, name, func(t *testing.T, limit int64) { withThree(t, limit, run) })
}

// inBubbleWith is like inBubble, but with a single memory limit.
func inBubbleWith(t *testing.T, name string, limit int64, run func(t *testing.T, store *simulated, picker *service)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { withThree(t, limit, run) })
	})
}

func withThree(t *testing.T, limit int64, run func(t *testing.T, store *simulated, picker *service)) {
	store := newSimulated(3, cost{})
	picker := catalog.NewService(catalog.Kind[entry]{}, store, limit)
	defer picker.Close()
	run(t, store, picker)
}

func mustPick(t *testing.T, picker *service) int64 {
	t.Helper()
	item, err := picker.Random(t.Context())
	if err != nil {
		t.Fatalf("picking: %v", err)
	}
	return item.id
}

func TestPickerReadsTheIDs(t *testing.T) {
	inBubble(t, "never when idle", func(t *testing.T, store *simulated, picker *service) {
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := store.count(&store.asked); n != 0 {
			t.Errorf("the ids were read %d times before the first pick, want 0", n)
		}
		mustPick(t, picker)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := store.count(&store.asked); n != 1 {
			t.Errorf("the ids were read %d times for one pick, want 1", n)
		}
	})
	inBubble(t, "the ids are read at most twice a second under load", func(t *testing.T, store *simulated, picker *service) {
		const seconds = 10
		for end := time.Now().Add(seconds * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			mustPick(t, picker)
		}
		if n := store.count(&store.asked); n < seconds || n > 2*seconds {
			t.Errorf("the ids were read %d times in %d seconds", n, seconds)
		}
	})
	inBubble(t, "once for concurrent picks", func(t *testing.T, store *simulated, picker *service) {
		store.failWith(takes(100 * time.Millisecond))
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { mustPick(t, picker) })
		}
		group.Wait()
		if n := store.count(&store.asked); n != 1 {
			t.Errorf("%d reads", n)
		}
	})
	inBubble(t, "reading the ids doesn't block picks under load", func(t *testing.T, store *simulated, picker *service) {
		mustPick(t, picker)
		store.failWith(takes(400 * time.Millisecond))
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
	for _, every := range []time.Duration{time.Millisecond, 499 * time.Millisecond, 999 * time.Millisecond, time.Second} {
		inBubble(t, "picked from every "+every.String(), func(t *testing.T, store *simulated, picker *service) {
			for range 20 {
				mustPick(t, picker)
				time.Sleep(every)
			}
			changed := time.Now()
			store.setIDs(1, 51, 101, 151)
			for time.Since(changed) < time.Second {
				mustPick(t, picker)
				time.Sleep(min(every, time.Second-time.Since(changed)))
			}
			for range 200 {
				if mustPick(t, picker) == 151 {
					return
				}
			}
			t.Error("a row added a second ago was never picked")
		})
	}
	inBubbleWith(t, "a catalog emptied without a version change is reported as empty", strict, func(t *testing.T, store *simulated, picker *service) {
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
	inBubble(t, "picks fail while the store fails, and then succeed again", func(t *testing.T, store *simulated, picker *service) {
		store.failWith(away)
		for range 3 {
			if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
				t.Errorf("got %v and %v, want the store's error", item, err)
			}
		}
		store.failWith(nil)
		mustPick(t, picker)
		store.failWith(func(ctx context.Context, rows bool) error { return away(ctx, !rows) })
		store.setIDs(1, 51) // the cached rows and ids are outdated
		time.Sleep(time.Second)
		if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("while rows can't be read: got %v and %v, want the store's error", item, err)
		}
		store.failWith(nil)
		mustPick(t, picker)
	})
	inBubble(t, "picks succeed as long as the index is fresh", func(t *testing.T, store *simulated, picker *service) {
		mustPick(t, picker)
		store.failWith(away)
		time.Sleep(999 * time.Millisecond)
		mustPick(t, picker)
		time.Sleep(time.Millisecond)
		if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v and %v, want the store's error", item, err)
		}
	})
	inBubble(t, "a caller waits only until its context's deadline", func(t *testing.T, store *simulated, picker *service) {
		store.failWith(takes(time.Hour))
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
		if n := store.count(&store.asked); n != 1 {
			t.Errorf("%d hanging reads, want 1", n)
		}
	})
	inBubble(t, "picks that wait at the same time fail after at most two reads", func(t *testing.T, store *simulated, picker *service) {
		store.failWith(func(ctx context.Context, _ bool) error { return errors.Join(slow(100*time.Millisecond)(ctx), errAway) })
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
					t.Errorf("got %v and %v, want the store's error", item, err)
				}
			})
		}
		group.Wait()
		if n := store.count(&store.asked); n > 2 {
			t.Errorf("%d reads", n)
		}
	})
	inBubble(t, "a hanging read is abandoned", func(t *testing.T, store *simulated, picker *service) {
		store.failWith(takes(time.Hour))
		begin := time.Now()
		if item, err := picker.Random(t.Context()); err == nil {
			t.Errorf("got %v", item)
		}
		if waited := time.Since(begin); waited > 5*time.Second {
			t.Errorf("the pick waited for %s", waited)
		}
		store.failWith(nil)
		mustPick(t, picker)
	})
	inBubble(t, "Close cancels a read", func(t *testing.T, store *simulated, picker *service) {
		store.failWith(takes(time.Hour))
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

// quickStore is a store in which rows with even ids are always deleted before they are read.
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

// TestPickerDuringDeletions checks that a pick that finds its row deleted, and therefore renews the ids, doesn't make
// the catalog look empty to another pick.
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
