package mongodb

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/test/engines"
)

func BenchmarkInsert(b *testing.B) {
	fighttest.BenchmarkInsert(b, func(tb testing.TB, grouped bool) fight.Store { return openAs(tb, engines.MongoDB(tb), grouped) })
}

// BenchmarkCommand compares the cost of a fight in a batch of 100 sent by our command and by the driver's InsertMany.
func BenchmarkCommand(b *testing.B) {
	store := openFights(b, engines.MongoDB(b))
	journaled := true
	fights := store.fights.Clone(options.Collection().SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journaled}))
	for name, insert := range map[string]func(context.Context, []fight.Document) error{
		"own": func(ctx context.Context, batch []fight.Document) error { return store.write(ctx, batch)[0] },
		"InsertMany": func(ctx context.Context, batch []fight.Document) error {
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
				batch := asDocuments(fighttest.Fights(size))
				before := fighttest.CPUTime()
				if err := insert(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				after := fighttest.CPUTime()
				used += after - before
			}
			b.ReportMetric(float64(used.Microseconds())/float64(b.N)/size, "cpu-us/fight")
		})
	}
}
