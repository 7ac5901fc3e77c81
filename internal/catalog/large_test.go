package catalog_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/catalog/catalogtest"
)

// largeTable is the number of rows in a table so large that picks don't wait for index renewals.
const largeTable = 20_000

// inLarge runs a test in each profile on a large table whose ids take 2 s to read.
func inLarge(t *testing.T, name string, test func(w *tester)) {
	inProfiles(t, name, func(t *testing.T, limit int64) {
		c := cost{get: time.Millisecond, page: 10 * time.Millisecond, id: 2 * time.Second / largeTable}
		w := newTester(t, newSimulated(largeTable, c), limit)
		w.pick(t.Context(), 1) // reads the ids
		w.waited = 0
		test(w)
		w.picker.Close()
		synctest.Wait()
		if w.failed > 0 {
			t.Errorf("%d picks failed", w.failed)
		}
	})
}

// changeRow changes or deletes the row with the given id, or inserts a row if the id is 0, as another process would.
func (w *tester) changeRow(id int64, there bool) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.become(id, there)
}

func TestLargeTable(t *testing.T) {
	inLarge(t, "no pick waits for the ids, and reading them takes up only a fifth of the time", func(w *tester) {
		_, before := w.store.counts()
		until := time.Now().Add(time.Minute)
		every(100, until, func() {
			w.othersChange()
			w.pick(w.Context(), 1)
		})
		if w.waited > time.Duration(w.picks)*time.Millisecond*101/100 { // picking a deleted row costs another read
			w.Errorf("%d picks waited for %s in total", w.picks, w.waited)
		}
		if _, after := w.store.counts(); after-before < 5 || after-before > 7 {
			w.Errorf("the ids were read %d times in a minute", after-before)
		}
	})
	inLarge(t, "the first pick after a pause uses the cached ids", func(w *tester) {
		w.changeRow(0, true)
		time.Sleep(time.Hour)
		w.pick(w.Context(), 1)
		w.pick(w.Context(), 128)
		if w.waited > 10*time.Millisecond {
			w.Errorf("a pick and a batch waited for %s in total", w.waited)
		}
	})
	inLarge(t, "most rows are deleted", func(w *tester) {
		w.store.setIDs(w.store.ids[largeTable-3:]...)
		time.Sleep(catalog.MaxAge)
		w.pick(w.Context(), 1)
		w.pick(w.Context(), 128)
		if w.waited > 3*time.Second {
			w.Errorf("a pick and a batch waited for %s in total", w.waited)
		}
	})
	inLarge(t, "all rows are deleted", func(w *tester) {
		w.store.setIDs()
		time.Sleep(catalog.MaxAge)
		if item, err := w.picker.Random(w.Context()); !errors.Is(err, catalog.ErrEmpty) {
			w.Errorf("got %v and %v, want ErrEmpty", item, err)
		}
	})
}

// TestSlowIDs checks that the ids are eventually read even if the first attempts to read them time out.
func TestSlowIDs(t *testing.T) {
	inBubble(t, "12 s", func(t *testing.T, store *simulated, picker *service) {
		store.failWith(takes(12 * time.Second))
		for tries := range 4 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			_, err := picker.Random(ctx)
			cancel()
			if err == nil {
				return
			}
			t.Logf("try %d: %v", tries, err)
		}
		t.Error("the ids were never read successfully")
	})
}

// TestBatchOfOneIndex checks that a batch needs only one index and one read, even if the table is slow and keeps
// changing.
func TestBatchOfOneIndex(t *testing.T) {
	inProfiles(t, "slow and changing", func(t *testing.T, limit int64) {
		w := newTester(t, newSimulated(5000, cost{get: 8 * time.Millisecond, page: 100 * time.Millisecond}), limit)
		for range 20 {
			w.changeRow(51, true)
			time.Sleep(catalog.MaxAge)
			before := w.store.statements
			w.pick(t.Context(), 128)
			synctest.Wait()
			if n := w.store.statements - before; n > 3 { // reads of the version, the ids and the rows
				t.Errorf("a batch required %d statements, want at most 3", n)
			}
		}
	})
}

// TestGrownTable grows a small table until reading its ids takes longer than a pick waits: one pick may fail, later
// picks use the old ids, and eventually the new ids are read.
func TestGrownTable(t *testing.T) {
	inProfiles(t, "from 1,000 to 100,000 rows", func(t *testing.T, limit int64) {
		const before, after = 1000, 100_000
		c := cost{get: time.Millisecond, page: 10 * time.Millisecond, id: 4 * time.Second / after}
		w := newTester(t, newSimulated(before, c), limit)
		w.pick(t.Context(), 1)
		for range after - before {
			w.changeRow(0, true)
		}
		grown, failed := false, 0
		for range 20 {
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			item, err := w.picker.Random(ctx)
			cancel()
			if err != nil {
				failed++
			}
			grown = grown || item.id > before*50
		}
		if !grown || failed > 1 {
			t.Errorf("%d of 20 picks failed; picked a new row: %t", failed, grown)
		}
	})
}

// TestWastedLoads checks that a table that takes 3 s to load and changes every second is loaded less and less often,
// but is loaded completely once it stops changing.
func TestWastedLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTester(t, newSimulated(5000, cost{get: time.Millisecond, page: 300 * time.Millisecond}), eco)
		defer w.picker.Close()
		var pickers sync.WaitGroup
		phase := func(long time.Duration, changes int) (loaded int) {
			rows, _ := w.store.counts()
			needed := w.needed
			until := time.Now().Add(long)
			pickers.Go(func() { every(changes, until, w.othersChange) })
			every(5000, until, func() { pickers.Go(func() { w.pick(t.Context(), 1) }) })
			pickers.Wait()
			after, _ := w.store.counts()
			t.Logf("%s with %d changes a second: %d rows read, %d rows picked", long, changes, after-rows, w.needed-needed)
			return w.store.count(&w.store.pages)
		}
		phase(10*time.Second, 1)
		before := w.store.count(&w.store.pages)
		after := phase(20*time.Second, 1)
		if after-before > 35 { // without pauses, 60 pages would be loaded
			t.Errorf("%d pages were loaded in 20 s only to be discarded", after-before)
		}
		phase(40*time.Second, 0)
		if _, ready := w.picker.Ready(); !ready {
			t.Error("the table has stopped changing but isn't cached completely")
		}
	})
}

// TestUniformWithSomeInMemory checks that while only some rows are cached, all rows are equally likely to be picked,
// including those that were picked recently.
func TestUniformWithSomeInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 40
		w := newTester(t, newSimulated(rows, cost{get: 20 * time.Millisecond, page: 20 * time.Millisecond}), eco)
		defer w.picker.Close()
		counts, distances := make([]int, rows), make([]int, rows)
		fromMemory, last := 0, 0
		for range 20_000 {
			begin := time.Now()
			items, _, err := w.items(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if time.Since(begin) == 0 {
				fromMemory++
			}
			at := int(items[0].id / 50)
			counts[at]++
			distances[(at-last+rows)%rows]++
			last = at
			time.Sleep(50 * time.Millisecond)
			w.changeRow(items[0].id, true)
		}
		for name, of := range map[string][]int{"rows": counts, "distances": distances} {
			p := catalogtest.PValue(of)
			t.Logf("%s: %d of 20000 came from memory, p = %.3g", name, fromMemory, p)
			if p < 1e-6 {
				t.Errorf("uneven %s: %v", name, of)
			}
		}
		if fromMemory < 5000 || fromMemory > 15_000 {
			t.Errorf("%d of 20000 picks came from memory", fromMemory)
		}
	})
}

// isReady reports whether any of 100 calls to Ready succeeds.
func (w *tester) isReady() bool {
	for range 100 {
		if _, ready := w.picker.Ready(); ready {
			return true
		}
	}
	return false
}

// TestReady checks that Ready returns an item when all rows are in memory and fresh, but not when only some are.
func TestReady(t *testing.T) {
	const rows = 300
	run := func(name string, limit int64, c cost, test func(w *tester)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTester(t, newSimulated(rows, c), limit)
				defer w.picker.Close()
				for range 5 * rows {
					w.pick(t.Context(), 1)
				}
				synctest.Wait()
				if !w.isReady() {
					t.Fatal("not ready even though all rows are in memory")
				}
				test(w)
			})
		})
	}
	fits := int64(rows) * (256 + int64(len(`"14951 at 1000"`)))
	quick := cost{get: 8 * time.Millisecond, page: 10 * time.Millisecond}
	run("always ready if a changing table is reloaded before its rows become stale", fits, quick, func(w *tester) {
		for begin := time.Now(); time.Since(begin) < 30*time.Second; time.Sleep(time.Millisecond) {
			if _, ready := w.picker.Ready(); !ready {
				w.Fatalf("not ready %s later", time.Since(begin))
			}
			if time.Since(begin).Milliseconds()%300 == 0 {
				w.changeRow(51, true)
			}
		}
	})
	run("ready after changes made through the picker", fits, quick, func(w *tester) {
		for i, there := range []bool{true, false, true} {
			if _, err := w.picker.Write(w.Context(), int64(51+50*i), map[bool]func(*entry) (*entry, error){true: put, false: drop}[there]); err != nil {
				w.Fatal(err)
			}
			if !w.isReady() {
				w.Errorf("not ready after change %d", i)
			}
		}
	})
	run("not ready until a row added by another process is read", fits, cost{get: 100 * time.Millisecond, page: 10 * time.Second}, func(w *tester) {
		w.changeRow(0, true)
		time.Sleep(600 * time.Millisecond)
		w.picker.Ready()                   // triggers a renewal
		time.Sleep(150 * time.Millisecond) // which takes 100 ms
		if w.isReady() {
			w.Error("ready before the new row was read")
		}
	})
	run("not ready with a row made stale by a slow write", fits, cost{write: 1500 * time.Millisecond}, func(w *tester) {
		var pickers sync.WaitGroup
		pickers.Go(func() {
			for range 300 {
				w.pick(w.Context(), 1)
				time.Sleep(7 * time.Millisecond)
			}
		})
		defer pickers.Wait()
		if _, err := w.picker.Write(w.Context(), 51, put); err != nil {
			w.Fatal(err)
		}
		if w.isReady() {
			w.Error("ready with a stale row")
		}
	})
}

// TestReadDuringRenewal reads rows while the version is being read, so the rows may be older than the version.
func TestReadDuringRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTester(t, newSimulated(40, cost{get: 10 * time.Millisecond, page: 10 * time.Millisecond, version: 100 * time.Millisecond}), eco)
		defer w.picker.Close()
		w.pick(t.Context(), 1)
		time.Sleep(600 * time.Millisecond)
		go func() {
			time.Sleep(20 * time.Millisecond) // by now the rows have been read, but not the version
			for i := range int64(40) {
				w.changeRow(1+50*i, true)
			}
		}()
		for range 30 {
			w.pick(t.Context(), 128)
			time.Sleep(100 * time.Millisecond)
		}
	})
}
