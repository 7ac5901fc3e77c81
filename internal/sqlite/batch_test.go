package sqlite

import (
	"fmt"
	"testing"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
)

// BenchmarkWrite measures a transaction of size fights by a single caller, so that its allocations are reproducible.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("fights=%d", size), func(b *testing.B) {
			store, ids := openNew(b), fight.NewIDs(fight.ID{})
			batch := make([]fight.Document, size)
			answer := fighttest.NewFight(ids).AppendJSON(nil)
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch {
					batch[i] = fight.Document{ID: fighttest.NewFight(ids).ID, Bytes: answer}
				}
				for _, err := range store.write(b.Context(), batch) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
