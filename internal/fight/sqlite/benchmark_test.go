package sqlite

import (
	"testing"

	"superheroes/internal/fight"
	"superheroes/internal/fight/storetest"
)

func BenchmarkInsert(b *testing.B) {
	storetest.BenchmarkInsert(b, func(tb testing.TB, grouped bool) fight.Store { return openNew(tb, Grouped(grouped)) })
}
