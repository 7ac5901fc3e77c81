//go:build unix

package mongodb

import (
	"context"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/fight/groupcommit"
	"superheroes/internal/location"
	"superheroes/test/engines"
)

// openNew opens an empty store.
func openNew(b *testing.B, grouped bool) *Store {
	b.Helper()
	address := engines.MongoDB(b)
	parsed, err := url.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	store, err := Open(b.Context(), Config{URL: address, Database: strings.Trim(parsed.Path, "/"), PoolMax: 20, Grouped: grouped})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return store
}

// newFight returns a fight that is decided now.
func newFight(ids *fight.IDs) fight.Fight {
	now, place := time.Now(), location.Locations().Example
	return fight.Decide(ids.Next(now), now, character.Heroes().Example, character.Villains().Example, &place)
}

// What a fight costs when so many are stored at the same time. cpu-us/op is the processor time of this process, in the
// kernel too, without the server's.
func BenchmarkInsert(b *testing.B) {
	for _, name := range []string{"strict", "grouped"} {
		for _, callers := range []int{1, 32, 128} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				benchmarkInsert(b, openNew(b, name == "grouped"), callers)
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

// What a fight costs in a batch of 100 by the command that we make, and by the driver's InsertMany of the same bytes.
func BenchmarkCommand(b *testing.B) {
	store, ids := openNew(b, false), fight.NewIDs(fight.ID{})
	journaled := true
	fights := store.fights.Clone(options.Collection().SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journaled}))
	for name, insert := range map[string]func(context.Context, []groupcommit.Document) error{
		"own": func(ctx context.Context, batch []groupcommit.Document) error { return store.write(ctx, batch)[0] },
		"InsertMany": func(ctx context.Context, batch []groupcommit.Document) error {
			var documents []bson.Raw
			for _, each := range batch {
				documents = append(documents, each.Bytes)
			}
			_, err := fights.InsertMany(ctx, documents, options.InsertMany().SetOrdered(false))
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			const size = 100
			var used time.Duration
			for b.Loop() {
				var batch []groupcommit.Document
				for range size {
					f := newFight(ids)
					batch = append(batch, groupcommit.Document{ID: f.ID, Bytes: appendDocument(nil, f)})
				}
				before := processorTime(b)
				if err := insert(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				used += processorTime(b) - before
			}
			b.ReportMetric(float64(used.Microseconds())/float64(b.N)/size, "cpu-us/fight")
		})
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
