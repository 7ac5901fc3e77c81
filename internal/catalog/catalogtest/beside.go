package catalogtest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/internal/catalog"
)

// counting is a store that counts the rows read by id, and delays each read.
type counting[T catalog.Item] struct {
	catalog.Store[T]
	delay time.Duration
	gets  atomic.Int64
}

func (s *counting[T]) Get(ctx context.Context, id int64) (T, error) {
	s.gets.Add(1)
	time.Sleep(s.delay)
	return s.Store.Get(ctx, id)
}

func (s *counting[T]) GetMany(ctx context.Context, ids []int64) ([]T, error) {
	s.gets.Add(int64(len(ids)))
	time.Sleep(s.delay)
	return s.Store.GetMany(ctx, ids)
}

func (s *counting[T]) IDs(ctx context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	time.Sleep(s.delay)
	return s.Store.IDs(ctx, known)
}

// TestDuringWrites picks from a table of 1,000 rows, with 8 ms latency, while another client makes 200 writes a second,
// alternating between this table and another on the same server. Both profiles make the same number of picks with eight
// workers, singly and in batches. No pick may fail, and neither profile may read more rows than it picks.
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
		for _, p := range profiles() {
			store := &counting[T]{Store: f.store, delay: 8 * time.Millisecond}
			picker := catalog.NewService(f.engine.Kind, store, p.limit)
			needed := f.pickWith(picker, batch)
			picker.Close()
			if rows := store.gets.Load(); rows > needed {
				t.Errorf("%s, batches of %d: %d rows were read, want at most %d", p.name, batch, rows, needed)
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

// pickWith makes 2,000 picks with eight workers, in batches of the given size. It returns the number of rows that a
// picker without a cache would have read.
func (f *fixture[T]) pickWith(picker *catalog.Service[T], batch int) int64 {
	var needed atomic.Int64
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 250 / batch {
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
