package fighttest

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"superheroes/internal/fight"
)

// BenchmarkInsert measures the cost of an insert for several numbers of concurrent callers. With a single caller, it
// measures only the store; with more callers, an insert waits for its turn or shares a group commit. cpu-us/op is the
// user and system CPU time of this process, excluding any database server, or 0 on platforms that don't report it.
func BenchmarkInsert(b *testing.B, open func(tb testing.TB, grouped bool) fight.Store) {
	for _, name := range []string{"strict", "grouped"} {
		for _, callers := range []int{1, 32, 128} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				benchmarkInsert(b, open(b, name == "grouped"), callers)
			})
		}
	}
}

func benchmarkInsert(b *testing.B, store fight.Store, callers int) {
	ids := fight.NewIDs(fight.ID{})
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour) // with a deadline, as requests have
	defer cancel()
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	if callers == 1 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := CPUTime()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f := NewFight(ids)
			if err := store.Insert(ctx, f, f.AppendJSON(nil)); err != nil {
				b.Error(err)
			}
		}
	})
	after := CPUTime()
	b.ReportMetric(float64((after-before).Microseconds())/float64(b.N), "cpu-us/op")
}
