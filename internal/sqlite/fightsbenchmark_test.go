package sqlite

import (
	"testing"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
)

func BenchmarkInsert(b *testing.B) {
	fighttest.BenchmarkInsert(b, func(tb testing.TB, grouped bool) fight.Store { return openNew(tb, Grouped(grouped)) })
}
