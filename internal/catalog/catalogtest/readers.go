package catalogtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// testReadersDuringImports repeatedly replaces one roster by another while others read: they must see all of one or all
// of the other.
func (e Engine[T]) testReadersDuringImports(t *testing.T) {
	f := e.empty(t)
	short, long := f.roster("short", 10), f.roster("long", 25)
	f.put(short...)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := f.checkWhole(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 20 {
		roster := [][]T{long, short}[i%2]
		if err := f.store.Import(t.Context(), true, feed(roster...)); err != nil {
			t.Errorf("import %d: %v", i, err)
		}
	}
	cancel()
	group.Wait()
}

// roster returns n items whose names begin with word; the rosters share ids.
func (f *fixture[T]) roster(word string, n int) []T {
	items := make([]T, n)
	for i := range items {
		items[i] = f.item(int64(1+i), fmt.Sprintf("%s %d", word, i))
	}
	return items
}

// checkWhole reads the items and the ids.
func (f *fixture[T]) checkWhole(ctx context.Context) error {
	items, err := f.store.Page(ctx, 0, 100)
	if err != nil {
		return err
	}
	words := map[string]int{}
	for _, item := range items {
		var word string
		_, _ = fmt.Sscan(item.Label(), &word)
		words[word]++
	}
	if len(words) != 1 || words["short"] != 10 && words["long"] != 25 {
		return fmt.Errorf("a reader saw %v", words)
	}
	ids, _, err := f.store.IDs(ctx, "")
	if err == nil && len(ids) != 10 && len(ids) != 25 {
		err = fmt.Errorf("a reader saw %d ids", len(ids))
	}
	return err
}
