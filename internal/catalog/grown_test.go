package catalog_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestGrownTable grows a small table until reading its ids takes longer than a pick waits for them: it is still read
// eventually. One pick fails; the following ones use the old ids meanwhile.
func TestGrownTable(t *testing.T) {
	for profile, limit := range map[string]int64{"strict": strict, "eco": eco} {
		t.Run(profile, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
		})
	}
}
