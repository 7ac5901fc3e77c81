package catalog_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"superheroes/internal/catalog"
)

func TestChanged(t *testing.T) {
	inBubble(t, "every pick that begins after it sees the change", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		for id := int64(1000); id < 1100; id++ {
			store.become(id)
			picker.Changed()
			if got := mustPick(t, picker); got != id {
				t.Fatalf("drew %d, want %d", got, id)
			}
		}
	})
	inBubble(t, "a catalog that was emptied is empty", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		store.become()
		picker.Changed()
		if item, err := picker.Random(t.Context()); !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %v and %v, want ErrEmpty", item, err)
		}
	})
	inBubble(t, "what was read before it isn't used when the store fails", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		store.failWith(away)
		picker.Changed()
		if item, err := picker.Random(t.Context()); !errors.Is(err, errAway) {
			t.Errorf("got %v and %v, want the store's error", item, err)
		}
	})
	inBubble(t, "the store is read once for it", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		before := store.readsSoFar()
		picker.Changed()
		for range 100 {
			mustPick(t, picker)
		}
		if n := store.readsSoFar() - before; n != 1 {
			t.Errorf("%d reads", n)
		}
	})
}

// lateStore gives the ids that there were when it was asked, but only when it is let go on: as a database does whose
// answer is under way while the table changes.
type lateStore struct {
	*faultyStore
	held atomic.Pointer[chan struct{}] // until when answers are held back, nil for not
}

func (s *lateStore) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	held := s.held.Load()
	ids, version, err := s.faultyStore.IDs(ctx, known)
	if held != nil {
		<-*held
	}
	return ids, version, err
}

// hold returns what lets the reads go on that begin from now on, until release.
func (s *lateStore) hold() (release func()) {
	held := make(chan struct{})
	s.held.Store(&held)
	return func() { close(held) }
}

// TestChangedBesideRenewal: a renewal that began before the change has missed it. Its result must not be taken for fresh
// by a pick that begins after the change, whenever it comes.
func TestChangedBesideRenewal(t *testing.T) {
	for name, limit := range map[string]int64{"strict": strict, "eco": eco} {
		for _, c := range []struct {
			name string
			idle time.Duration // before the renewal begins
		}{
			{"the first", 0}, {"one in the background", 600 * time.Millisecond}, {"one that is waited for", time.Minute},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := &lateStore{faultyStore: newFaultyStore(1)}
					picker := catalog.NewPicker[entry](store, limit)
					defer picker.Close()
					testChangedBesideRenewal(t, store, picker, c.idle)
				})
			})
		}
	}
}

func testChangedBesideRenewal(t *testing.T, store *lateStore, picker *catalog.Picker[entry], idle time.Duration) {
	if idle > 0 {
		mustPick(t, picker)
		time.Sleep(idle)
	}
	release := store.hold()
	before := make(chan error, 1)
	go func() { // it began before the change: either is right
		_, err := picker.Random(t.Context())
		before <- err
	}()
	synctest.Wait() // the renewal has read
	store.held.Store(nil)
	store.become(2)
	picker.Changed()
	if got := mustPick(t, picker); got != 2 {
		t.Errorf("drew %d while the old renewal is under way", got)
	}
	release()
	synctest.Wait() // the old renewal has ended
	for range 10 {
		if got := mustPick(t, picker); got != 2 {
			t.Errorf("drew %d after the old renewal has ended", got)
		}
	}
	if err := <-before; err != nil && !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("the pick before the change: %v", err)
	}
}

// TestChangedTwice: a renewal under way may be enough for a pick, and too old for the next.
func TestChangedTwice(t *testing.T) {
	inBubble(t, "the pick between two changes sees the first, the one after both the second", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		store.failWith(slow(100 * time.Millisecond))
		store.become(2)
		picker.Changed()
		between := make(chan int64, 1)
		go func() { between <- mustPick(t, picker) }()
		time.Sleep(50 * time.Millisecond)
		store.become(3)
		picker.Changed()
		if got := mustPick(t, picker); got != 3 {
			t.Errorf("drew %d after both", got)
		}
		if got := <-between; got != 2 && got != 3 {
			t.Errorf("drew %d between them", got)
		}
	})
}

func TestRandomBatch(t *testing.T) {
	inBubble(t, "is so many items as they are encoded", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		store.become(7)
		for n, want := range map[int]string{1: `[""]`, 3: `["","",""]`} {
			array, age, err := picker.RandomBatch(t.Context(), n)
			if string(array) != want || age != 0 || err != nil {
				t.Errorf("%d: got %s, %s and %v", n, array, age, err)
			}
		}
	})
	inBubble(t, "tells how old what it was drawn from is", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		mustPick(t, picker)
		for _, step := range []struct{ wait, want time.Duration }{
			{300 * time.Millisecond, 300 * time.Millisecond},
			{699 * time.Millisecond, 999 * time.Millisecond}, // which has it renewed
			{100 * time.Millisecond, 100 * time.Millisecond},
		} {
			time.Sleep(step.wait)
			if _, age, err := picker.RandomBatch(t.Context(), 10); age != step.want || err != nil {
				t.Errorf("got %s and %v, want %s", age, err, step.want)
			}
			synctest.Wait()
		}
	})
	inBubble(t, "of none", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		store.become()
		if array, _, err := picker.RandomBatch(t.Context(), 2); array != nil || !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %s and %v, want ErrEmpty", array, err)
		}
	})
	inBubble(t, "fails as a whole", func(t *testing.T, store *faultyStore, picker *catalog.Picker[entry]) {
		store.failWith(away)
		if array, _, err := picker.RandomBatch(t.Context(), 2); array != nil || !errors.Is(err, errAway) {
			t.Errorf("got %s and %v, want the store's error", array, err)
		}
	})
}
