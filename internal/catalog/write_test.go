package catalog_test

import (
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"superheroes/internal/catalog"
)

// editor changes a table of a few rows through a picker.
type editor struct {
	*testing.T
	store  *simulated
	picker *catalog.Service[entry]
}

// inEditor runs a test in each profile.
func inEditor(t *testing.T, name string, rows int, test func(e editor)) {
	inProfiles(t, name, func(t *testing.T, limit int64) {
		store := newSimulated(rows, cost{})
		picker := catalog.NewService(catalog.Kind[entry]{}, store, limit)
		defer picker.Close()
		test(editor{t, store, picker})
		synctest.Wait()
		if n := picker.EditsKept(); n != 0 {
			t.Errorf("%d edits and operations are still tracked at the end, want 0", n)
		}
	})
}

func put(*entry) (*entry, error)  { return &entry{}, nil }
func drop(*entry) (*entry, error) { return nil, nil }

func (e editor) write(id int64, change func(*entry) (*entry, error)) {
	e.Helper()
	if _, err := e.picker.Write(e.Context(), id, change); err != nil {
		e.Fatalf("writing %d: %v", id, err)
	}
}

// fill makes picks in the eco profile until all rows are in memory.
func (e editor) fill() {
	e.Helper()
	for range 200 {
		mustPick(e.T, e.picker)
	}
	synctest.Wait()
}

// sees checks that picks return exactly the given row states.
func (e editor) sees(want ...string) {
	e.Helper()
	seen := map[string]bool{}
	for range 50 * len(want) { // the probability of missing a row is e^-50
		item, err := e.picker.Random(e.Context())
		if err != nil {
			e.Fatalf("picking: %v", err)
		}
		seen[item.name] = true
	}
	for _, name := range want {
		if !seen[name] {
			e.Errorf("%q was not picked", name)
		}
		delete(seen, name)
	}
	for name := range seen {
		e.Errorf("%q was picked", name)
	}
}

// TestWriteIsSeen checks that every pick that begins after a write sees its result, without reading the ids or, in the
// eco profile, any rows.
func TestWriteIsSeen(t *testing.T) {
	inEditor(t, "changes, new rows and deletions", 3, func(e editor) {
		e.fill()
		rows, idReads := e.store.counts()
		e.write(51, put)
		e.sees("1 at 0", "51 at 1", "101 at 0")
		e.write(0, put)
		e.sees("1 at 0", "51 at 1", "101 at 0", "151 at 2")
		e.write(1, drop)
		e.sees("51 at 1", "101 at 0", "151 at 2")
		e.write(151, put)
		e.write(101, drop)
		e.sees("51 at 1", "151 at 4")
		rowsAfter, idReadsAfter := e.store.counts()
		if _, ready := e.picker.Ready(); ready && rowsAfter > rows {
			e.Errorf("%d rows were read after the writes, want 0", rowsAfter-rows)
		}
		if idReadsAfter > idReads {
			e.Errorf("the ids were read %d times after the writes, want 0", idReadsAfter-idReads)
		}
	})
	inEditor(t, "deleting all rows, then inserting one", 2, func(e editor) {
		e.fill()
		e.write(1, drop)
		e.write(51, drop)
		if item, err := e.picker.Random(e.Context()); !errors.Is(err, catalog.ErrEmpty) {
			e.Errorf("got %v and %v, want ErrEmpty", item, err)
		}
		e.write(0, put)
		e.sees("101 at 3")
	})
	inEditor(t, "before the first read", 1, func(e editor) {
		e.write(1, put)
		e.write(0, put)
		e.sees("1 at 1", "51 at 2")
	})
	inEditor(t, "after renewals as well", 3, func(e editor) {
		e.fill()
		for number := 1; number < 20; number++ {
			e.write(51, put)
			time.Sleep(catalog.MaxAge / 3)
			e.sees("1 at 0", newEntry(51, number).name, "101 at 0")
		}
	})
}

// TestWriteFails checks that a failed write changes nothing, and that a row is read again if a write may have
// succeeded.
func TestWriteFails(t *testing.T) {
	inEditor(t, "for certain", 2, func(e editor) {
		e.fill()
		refused := errors.New("refused")
		_, err := e.picker.Write(e.Context(), 51, func(*entry) (*entry, error) { return nil, refused })
		if !errors.Is(err, refused) {
			e.Errorf("got %v", err)
		}
		if _, err := e.picker.Write(e.Context(), 7, put); !errors.Is(err, catalog.ErrNotFound) {
			e.Errorf("got %v", err)
		}
		e.sees("1 at 0", "51 at 0")
	})
	for name, c := range map[string]struct {
		id     int64
		change func(*entry) (*entry, error)
		want   []string
	}{
		"a change":   {51, put, []string{"1 at 0", "51 at 1"}},
		"a deletion": {51, drop, []string{"1 at 0"}},
	} {
		inEditor(t, "not confirmed: "+name, 2, func(e editor) {
			e.fill()
			e.store.unconfirmed = true
			if _, err := e.picker.Write(e.Context(), c.id, c.change); !errors.Is(err, catalog.ErrMaybeWritten) {
				e.Errorf("got %v", err)
			}
			e.sees(c.want...)
		})
	}
	inEditor(t, "with a panic", 1, func(e editor) {
		e.fill()
		func() {
			defer func() { _ = recover() }()
			_, _ = e.picker.Write(e.Context(), 1, func(*entry) (*entry, error) { panic("in the change") })
		}()
		e.sees("1 at 0")
	})
}

// TestWriteBesideReads checks that the result of a read that began before a write doesn't replace the written row.
func TestWriteBesideReads(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(e editor)
		want   []string
	}{
		{"a change", func(e editor) { e.write(51, put) }, []string{"1 at 0", "51 at 1"}},
		{"a new row", func(e editor) { e.write(0, put) }, []string{"1 at 0", "51 at 0", "101 at 1"}},
		{"a deletion", func(e editor) { e.write(51, drop) }, []string{"1 at 0"}},
		{"a new row that is deleted again", func(e editor) {
			e.write(0, put)
			e.write(101, drop)
			e.write(1, put)
		}, []string{"1 at 3", "51 at 0"}},
	} {
		inEditor(t, "the first renewal/"+c.name, 2, func(e editor) {
			release := e.store.hold("IDs")
			go func() { _, _ = e.picker.Random(e.Context()) }()
			synctest.Wait()
			c.change(e)
			release()
			e.sees(c.want...)
		})
		inEditor(t, "a later renewal/"+c.name, 2, func(e editor) {
			e.fill()
			time.Sleep(catalog.MaxAge * 6 / 10)
			e.store.elsewhere()
			release := e.store.hold("IDs")
			mustPick(e.T, e.picker) // triggers a renewal
			synctest.Wait()
			c.change(e)
			e.sees(c.want...)
			release()
			synctest.Wait()
			e.sees(c.want...)
		})
		for _, method := range []string{"Get", "GetMany"} {
			inEditor(t, method+"/"+c.name, 2, func(e editor) {
				mustPick(e.T, e.picker)
				time.Sleep(2 * catalog.MaxAge)
				mustPick(e.T, e.picker) // make the index as fresh as possible
				release := e.store.hold(method)
				var group sync.WaitGroup
				group.Go(func() { _, _, _ = e.picker.RandomBatch(e.Context(), 20) })
				group.Go(func() { _, _ = e.picker.Random(e.Context()) })
				synctest.Wait()
				c.change(e)
				release()
				group.Wait()
				e.sees(c.want...)
			})
		}
	}
}

// TestWritesOfOneRow makes two writes to the same row whose results arrive in reverse order.
func TestWritesOfOneRow(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, second int64
		changes       [2]func(*entry) (*entry, error)
		want          []string
	}{
		{"two changes", 51, 51, [2]func(*entry) (*entry, error){put, put}, []string{"1 at 0", "51 at 2"}},
		{"a change and a deletion", 51, 51, [2]func(*entry) (*entry, error){put, drop}, []string{"1 at 0"}},
		{"a new row and its deletion", 0, 101, [2]func(*entry) (*entry, error){put, drop}, []string{"1 at 0", "51 at 0"}},
		{"a new row and a change to it", 0, 101, [2]func(*entry) (*entry, error){put, put}, []string{"1 at 0", "51 at 0", "101 at 2"}},
	} {
		inEditor(t, c.name, 2, func(e editor) {
			e.fill()
			release := e.store.hold("Write")
			done := make(chan struct{})
			go func() {
				defer close(done)
				e.write(c.first, c.changes[0])
			}()
			synctest.Wait()
			e.write(c.second, c.changes[1])
			release()
			<-done
			e.sees(c.want...)
		})
	}
}

// TestCount checks that a count includes this process's changes at once and others' changes after MaxAge, and that it
// fails only if the ids have to be read and can't be.
func TestCount(t *testing.T) {
	inEditor(t, "rows with the ids 1, 51 and 101", 3, func(e editor) {
		counts := func(want map[int64]int) {
			e.Helper()
			for after, n := range want {
				if got, err := e.picker.Count(e.Context(), after); err != nil || got != n {
					e.Errorf("after %d: got %d and error %v, want %d", after, got, err, n)
				}
			}
		}
		counts(map[int64]int{0: 3, 1: 2, 50: 2, 51: 1, 101: 0, math.MaxInt64: 0})
		e.write(51, drop)
		counts(map[int64]int{0: 2, 1: 1, 51: 1})
		e.store.setIDs(7, 8, 9, 10)
		time.Sleep(catalog.MaxAge)
		counts(map[int64]int{0: 4, 8: 2})
		e.store.failWith(away)
		counts(map[int64]int{0: 4})
		time.Sleep(catalog.MaxAge)
		if n, err := e.picker.Count(e.Context(), 0); !errors.Is(err, errAway) {
			e.Errorf("got %d and error %v, want an error", n, err)
		}
		e.store.failWith(nil)
	})
}
