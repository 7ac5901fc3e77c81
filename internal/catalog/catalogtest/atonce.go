package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

// testWritersAtOnce writes from several processes at the same time: each increments a number in the same item, creates
// items, and imports some with ids and some without. No increment may be lost, and no id may be assigned twice. Then it
// repeatedly replaces one roster with another while other goroutines read; each read must return one of the two rosters
// in full.
func (e Engine[T]) testWritersAtOnce(t *testing.T) {
	f := e.empty(t)
	f.put(f.item(1, "0"))
	const writers, rounds = 4, 15
	var group sync.WaitGroup
	for n := range writers {
		store := f.open(noRoster)
		group.Go(func() {
			for i := range rounds {
				if err := f.writeRound(store, n, i); err != nil {
					t.Errorf("writer %d, round %d: %v", n, i, err)
				}
			}
		})
	}
	group.Wait()
	items := f.all()
	if got := items[0].Label(); got != strconv.Itoa(writers*rounds) {
		t.Errorf("the item was incremented %s times, but %d increments were acknowledged", got, writers*rounds)
	}
	if n := len(items); n != 1+3*writers*rounds {
		t.Errorf("%d items, want %d", n, 1+3*writers*rounds)
	}
	f.testReadersDuringImports()
}

// writeRound makes five changes. One change is conditional, like a request with If-Match, and must be rejected.
func (f *fixture[T]) writeRound(store catalog.Store[T], n, i int) error {
	refused := errors.New("odd")
	write := func(id int64, change func(old *T) (*T, error)) error {
		return untilFree(func() error {
			_, err := store.Write(f.Context(), id, change)
			return err
		})
	}
	incrementErr := write(1, func(old *T) (*T, error) {
		number, err := strconv.Atoi((*old).Label())
		next := f.item(1, strconv.Itoa(number+1))
		return &next, err
	})
	conditionalErr := write(1, func(old *T) (*T, error) { return old, refused })
	if errors.Is(conditionalErr, refused) {
		conditionalErr = nil
	}
	name := fmt.Sprintf("%d of %d", i, n)
	createErr := write(0, create(f.item(0, name)))
	withID := f.item(int64(1_000_000*(100-i)+10_000*n), name+" with an id")
	importErr := untilFree(func() error {
		return store.Import(f.Context(), false, feed(f.item(0, name+" imported"), withID))
	})
	return errors.Join(incrementErr, conditionalErr, createErr, importErr)
}

// untilFree repeats a change that was not made because other writers held the lock for too long. SQLite hands its lock to
// whoever asks first, so on a slow disk a writer may be unlucky for longer than it waits.
func untilFree(change func() error) error {
	for {
		if err := change(); !errors.Is(err, storage.ErrBusy) {
			return err
		}
	}
}

func (f *fixture[T]) testReadersDuringImports() {
	f.Helper()
	short, long := f.roster("short", 10), f.roster("long", 25)
	replace := func(roster []T) {
		if err := f.store.Import(f.Context(), true, feed(roster...)); err != nil {
			f.Errorf("replacing: %v", err)
		}
	}
	replace(short)
	ctx, cancel := context.WithCancel(f.Context())
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := f.checkWhole(ctx); err != nil && ctx.Err() == nil {
					f.Error(err)
					return
				}
			}
		})
	}
	for i := range 20 {
		replace([][]T{long, short}[i%2])
	}
	cancel()
	group.Wait()
}

// roster returns n items whose names begin with word. All rosters use the same ids.
func (f *fixture[T]) roster(word string, n int) []T {
	items := make([]T, n)
	for i := range items {
		items[i] = f.item(int64(1+i), fmt.Sprintf("%s %d", word, i))
	}
	return items
}

// checkWhole checks that the items and the ids that were read belong to the same complete roster.
func (f *fixture[T]) checkWhole(ctx context.Context) error {
	items, err := f.store.Page(ctx, 0, 100)
	if err != nil {
		return err
	}
	words := map[string]int{}
	for _, item := range items {
		word, _, _ := strings.Cut(item.Label(), " ")
		words[word]++
	}
	if len(words) != 1 || words["short"] != 10 && words["long"] != 25 {
		return fmt.Errorf("a reader saw %v", words)
	}
	ids, _, err := f.store.IDs(ctx, "")
	if err == nil && len(ids) != 10 && len(ids) != 25 {
		err = fmt.Errorf("a reader saw %d ids, which match neither roster", len(ids))
	}
	return err
}
