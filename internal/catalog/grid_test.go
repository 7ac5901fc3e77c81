package catalog_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// scenario describes a table, the cost of reading it, the rates of changes and picks, and the batch size.
type scenario struct {
	rows   int
	cost   cost
	others int // changes per second by other processes
	own    int
	rate   int // picks a second
	batch  int // picks per request
	hangs  bool
}

func (s scenario) String() string {
	return fmt.Sprintf("%d rows, %s a row, %s a page, %d changes a second by others and %d through this service, %d picks a second in batches of %d, hangs %t",
		s.rows, s.cost.get, s.cost.page, s.others, s.own, s.rate, s.batch, s.hangs)
}

// run runs the scenario with a picker that has the given memory limit.
func (s scenario) run(t *testing.T, limit int64) (result *tester) {
	synctest.Test(t, func(t *testing.T) {
		store := newSimulated(s.rows, s.cost)
		w := newTester(t, store, limit)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.pick(ctx, 1) // reads the ids
		w.waited = 0
		long := min(max(10*time.Second, 100*time.Second/time.Duration(s.rate)), time.Minute)
		long = min(long, 5_000*time.Second/time.Duration(s.rate))
		until := time.Now().Add(long)
		var group sync.WaitGroup
		group.Go(func() { every(s.others, until, w.othersChange) })
		group.Go(func() { every(s.own, until, func() { w.write(ctx) }) })
		if s.hangs {
			group.Go(func() { w.hangs(long) })
		}
		every(max(s.rate/s.batch, 1), until, func() {
			group.Go(func() { w.pick(ctx, s.batch) })
		})
		group.Wait()
		w.picker.Close()
		synctest.Wait()
		result = w
	})
	return result
}

// hangs makes the store hang for 2 s in the middle of the run.
func (w *tester) hangs(long time.Duration) {
	time.Sleep(long / 2)
	end := w.store.hang()
	w.mu.Lock()
	w.hung = time.Now()
	w.mu.Unlock()
	time.Sleep(2 * time.Second)
	w.mu.Lock()
	w.hung = time.Time{}
	w.mu.Unlock()
	end()
}

// TestEcoBesideStrict runs both profiles in many scenarios, in which the table may be slow, large and changing at the
// same time. No pick may fail or return a stale row, whatever the profile. The eco profile must not read more rows than
// the strict profile, and its picks must not wait more than 10 % longer. The test makes an allowance for a few deleted
// rows that only one of the two runs happens to pick; each costs an index renewal.
func TestEcoBesideStrict(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	one := func(of ...int) int { return of[random.IntN(len(of))] }
	var scenarios []scenario
	for i := range 40 {
		s := scenario{
			rows: one(10, 300, 5000, 40_000), others: one(0, 0, 1, 200, 1000), own: one(0, 0, 1, 10),
			rate: one(1, 50, 1000, 10_000), batch: one(1, 1, 4, 32, 128), hangs: i%5 == 0,
			cost: cost{get: time.Duration(one(50, 200, 1000, 8000, 100_000)) * time.Microsecond, id: 2 * time.Microsecond},
		}
		s.cost.page = max(s.cost.get, time.Duration(one(100, 1000, 5000, 35_000, 100_000))*time.Microsecond)
		s.cost.version = 3 * s.cost.get                                 // a transaction
		s.rate = min(s.rate, int(connections*time.Second/2/s.cost.get)) // at most half of the store's capacity
		scenarios = append(scenarios, s)
	}
	million := cost{get: time.Millisecond, version: 3 * time.Millisecond, page: 35 * time.Millisecond, id: 2 * time.Microsecond}
	scenarios = append(scenarios, scenario{rows: 1_000_000, cost: million, others: 20, own: 1, rate: 500, batch: 1, hangs: true},
		scenario{rows: 1_000_000, cost: million, own: 1, rate: 500, batch: 32})
	for _, s := range scenarios {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			s.compare(t)
		})
	}
}

func (s scenario) compare(t *testing.T) {
	strict, eco := s.run(t, strict), s.run(t, eco)
	t.Logf("strict: %d rows for %d picks, %s waited; eco: %d rows for %d picks, %s waited", strict.store.rows, strict.picks,
		strict.waited, eco.store.rows, eco.picks, eco.waited)
	if strict.failed+eco.failed > 0 {
		t.Errorf("%d picks failed in strict and %d in eco", strict.failed, eco.failed)
	}
	if eco.store.rows > eco.needed {
		t.Errorf("eco read %d rows, want at most %d", eco.store.rows, eco.needed)
	}
	renewal := s.cost.version + time.Duration(s.rows)*s.cost.id + s.cost.get
	if chance := 5 * renewal; eco.waited > strict.waited+strict.waited/10+chance {
		t.Errorf("picks waited %s in total in strict and %s in eco", strict.waited, eco.waited)
	}
}
