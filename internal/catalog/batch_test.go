package catalog_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

func TestRandomBatch(t *testing.T) {
	inBubble(t, "returns n encoded items", func(t *testing.T, store *simulated, picker *service) {
		store.setIDs(7)
		for n, want := range map[int]string{1: `["7 at 0"]`, 3: `["7 at 0","7 at 0","7 at 0"]`} {
			array, age, err := picker.RandomBatch(t.Context(), n)
			if string(array) != want || age != 0 || err != nil {
				t.Errorf("batch of %d: got %s, %s and %v", n, array, age, err)
			}
		}
	})
	inBubble(t, "a batch reports the age of the index", func(t *testing.T, store *simulated, picker *service) {
		mustPick(t, picker)
		for _, step := range []struct{ wait, want time.Duration }{
			{300 * time.Millisecond, 300 * time.Millisecond},
			{699 * time.Millisecond, 999 * time.Millisecond}, // triggers a renewal
			{100 * time.Millisecond, 100 * time.Millisecond},
		} {
			time.Sleep(step.wait)
			if _, age, err := picker.RandomBatch(t.Context(), 10); age != step.want || err != nil {
				t.Errorf("got %s and %v, want %s", age, err, step.want)
			}
			synctest.Wait()
		}
	})
	inBubble(t, "of an empty catalog", func(t *testing.T, store *simulated, picker *service) {
		store.setIDs()
		if array, _, err := picker.RandomBatch(t.Context(), 2); array != nil || !errors.Is(err, catalog.ErrEmpty) {
			t.Errorf("got %s and %v, want ErrEmpty", array, err)
		}
	})
	inBubble(t, "fails as a whole", func(t *testing.T, store *simulated, picker *service) {
		store.failWith(away)
		if array, _, err := picker.RandomBatch(t.Context(), 2); array != nil || !errors.Is(err, errAway) {
			t.Errorf("got %s and %v, want the store's error", array, err)
		}
	})
	inBubble(t, "a batch makes at most two reads despite an unreadable row", func(t *testing.T, store *simulated, picker *service) {
		ids := make([]int64, 100)
		for i := range ids {
			ids[i] = int64(i + 1)
		}
		store.setIDs(ids...)
		store.bad = 3
		for range 100 {
			before := store.count(&store.pages)
			_, _, err := picker.RandomBatch(t.Context(), catalog.MaxBatch)
			if asked := store.count(&store.pages) - before; asked > 2 {
				t.Fatalf("the store was read %d times for one batch (error: %v), want at most 2", asked, err)
			}
			time.Sleep(time.Second) // the index expires, so each batch renews it
			store.setIDs(ids...)
		}
	})
	inBubble(t, "a batch is truncated before an unreadable row", func(t *testing.T, store *simulated, picker *service) {
		store.setIDs(1, 2, 3, 4)
		store.bad = 3
		failed, picked := 0, 0
		for range 1000 {
			array, _, err := picker.RandomBatch(t.Context(), 16)
			var unreadable *storage.RowError
			switch {
			case err == nil:
				picked += bytes.Count(array, []byte(` at 0"`))
			case errors.As(err, &unreadable) && unreadable.ID == "3":
				failed++
			default:
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		// One batch in four begins with the unreadable row and fails; the others return three picks on average.
		if failed < 150 || failed > 350 || picked < 2000 {
			t.Errorf("%d of 1000 batches failed; the others returned %d picks", failed, picked)
		}
	})
}
