package catalogtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/internal/catalog"
)

// TestDuringWrites picks from a table of 1,000 rows, with 8 ms latency, while another client makes 200 writes a second,
// alternating between this table and another on the same server. Each profile makes the same picks with four workers,
// singly and in batches. None may fail, and neither may read more rows than it picks. The times are only logged.
func (e Engine[T]) TestDuringWrites(t *testing.T) {
	f := e.empty(t)
	f.fill(1000)
	f.exec(f.db.SQL, "CREATE TABLE elsewhere (n INTEGER)", "INSERT INTO elsewhere VALUES (0)")
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() { f.keepWriting(ctx) })
	defer func() {
		cancel()
		writer.Wait()
	}()
	for _, batch := range []int{1, 16} {
		rows := map[string]int64{}
		for _, p := range profiles() {
			store := &counting[T]{Store: f.store, delay: 8 * time.Millisecond}
			picker := catalog.NewPicker[T](store, p.limit)
			begin := time.Now()
			needed := f.pickWith(picker, batch)
			picker.Close()
			rows[p.name] = store.gets.Load()
			t.Logf("%s, %d at a time: %d rows read for %d picks, ids read %d times, in %s", p.name, batch, rows[p.name], needed,
				store.ids.Load(), time.Since(begin).Round(time.Millisecond))
			if rows[p.name] > needed {
				t.Errorf("%s read %d rows for picks of %d", p.name, rows[p.name], needed)
			}
		}
	}
}

// keepWriting makes 200 writes a second.
func (f *fixture[T]) keepWriting(ctx context.Context) {
	ticker := time.NewTicker(time.Second / 200)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		statement := fmt.Sprintf("UPDATE %s SET name = 'name %d' WHERE id = %d", f.engine.Kind.Table.Name, n, 1+50*(n%1000))
		if n%2 == 0 {
			statement = "UPDATE elsewhere SET n = n + 1"
		}
		if _, err := f.db.SQL.ExecContext(ctx, statement); err != nil && ctx.Err() == nil {
			f.Errorf("%s: %v", statement, err)
			return
		}
	}
}

// pickWith makes 2,000 picks with four workers, batch at a time. It returns how many rows a picker without a cache
// would have read.
func (f *fixture[T]) pickWith(picker *catalog.Picker[T], batch int) int64 {
	var needed atomic.Int64
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range 500 / batch {
				if batch == 1 {
					if _, err := picker.Random(f.Context()); err != nil {
						f.Errorf("picking: %v", err)
						return
					}
					needed.Add(1)
					continue
				}
				array, _, err := picker.RandomBatch(f.Context(), batch)
				if err != nil {
					f.Errorf("picking: %v", err)
					return
				}
				var items []T
				if err := json.Unmarshal(array, &items); err != nil {
					f.Error(err)
				}
				distinct := map[int64]bool{}
				for _, item := range items {
					distinct[item.Key()] = true
				}
				needed.Add(int64(len(distinct)))
			}
		})
	}
	workers.Wait()
	return needed.Load()
}

// TestLargeTable changes a table of 20,000 rows, more than picks wait for, while others pick for longer than MaxAge.
// After the first pick, reads of all ids are held back: no pick may wait for one, and only picked rows may be read.
func (e Engine[T]) TestLargeTable(t *testing.T) {
	f := e.empty(t)
	f.fill(20_000)
	round := -1
	for name, limit := range map[string]int64{"strict": 0, "eco": 1 << 30, "eco, above the limit": 4 << 20} {
		t.Run(name, func(t *testing.T) {
			round++
			store := &counting[T]{Store: f.store}
			service := catalog.NewService(e.Kind, store, limit)
			defer service.Close()
			// A renewal that times out doubles the timeout of the next, which a busy machine may need.
			_, err := service.Random(t.Context())
			for tries := 1; errors.Is(err, context.DeadlineExceeded) && tries < 5; tries++ {
				_, err = service.Random(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			store.ids.Store(1)
			held := make(chan struct{})
			store.held.Store(&held)
			defer close(held)
			ctx, cancel := context.WithCancel(t.Context())
			var picks atomic.Int64
			var pickers sync.WaitGroup
			for range 4 {
				pickers.Go(func() {
					for ctx.Err() == nil {
						if _, err := service.Random(t.Context()); err != nil {
							t.Errorf("picking: %v", err)
							return
						}
						picks.Add(1)
						time.Sleep(100 * time.Microsecond) // leaves CPU time for the writes
					}
				})
			}
			begin := time.Now()
			for i := range int64(10) {
				f.change(t, service, 10*int64(round)+i)
				if i == 5 {
					for store.ids.Load() < 2 { // a renewal has begun
						time.Sleep(time.Millisecond)
					}
					time.Sleep(freshness) // and the index it would renew is stale
				}
			}
			cancel()
			pickers.Wait()
			t.Logf("%d picks during ten writes in %s; ids read %d times", picks.Load(), time.Since(begin).Round(time.Millisecond), store.ids.Load())
			if n := store.gets.Load(); n > picks.Load()+1 {
				t.Errorf("%d rows were read for %d picks", n, picks.Load())
			}
		})
	}
}

// change makes the i-th change: it creates, deletes or replaces an item.
func (f *fixture[T]) change(t *testing.T, service *catalog.Service[T], i int64) {
	id, item := 1+50*i, f.item(0, fmt.Sprint("changed ", i))
	change := func(*T) (*T, error) { return &item, nil }
	switch i % 3 {
	case 0:
		id = 0
	case 1:
		change = remove[T]
	}
	if _, err := service.Write(t.Context(), id, change); err != nil {
		t.Errorf("writing: %v", err)
	}
}
