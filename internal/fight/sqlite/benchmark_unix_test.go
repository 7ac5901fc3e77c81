//go:build unix

package sqlite

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"superheroes/internal/fight"
)

// What a fight costs when so many are stored at the same time: alone it takes what the disk takes, beside others it
// waits for its turn or, in a group, shares it. cpu-us/op is the processor time of this process, in the kernel too.
func BenchmarkInsert(b *testing.B) {
	for _, name := range []string{"strict", "grouped"} {
		for _, callers := range []int{1, 32, 128} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				benchmarkInsert(b, openNew(b, Grouped(kinds()[name])), callers)
			})
		}
	}
}

func benchmarkInsert(b *testing.B, store *Store, callers int) {
	ids := fight.NewIDs(fight.ID{})
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour) // a request has a deadline, for which drivers watch
	defer cancel()
	b.SetParallelism(max(1, callers/runtime.GOMAXPROCS(0)))
	if callers == 1 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := processorTime(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f := newFight(ids)
			if err := store.Insert(ctx, f, f.AppendJSON(nil)); err != nil {
				b.Error(err)
			}
		}
	})
	used := processorTime(b) - before
	b.ReportMetric(float64(used.Microseconds())/float64(b.N), "cpu-us/op")
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
