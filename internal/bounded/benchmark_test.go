package bounded_test

import (
	"context"
	"testing"

	"superheroes/internal/bounded"
)

// BenchmarkDo measures the cost of detaching work from its caller and of taking a slot.
func BenchmarkDo(b *testing.B) {
	work := bounded.NewWork(0, bounded.Unlimited, bounded.NewSlots("reads", 10))
	defer work.Close()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = bounded.Do(b.Context(), work, func(context.Context) (int, error) { return 1, nil })
	}
}

func BenchmarkSlots(b *testing.B) {
	slots := bounded.NewSlots("lists", 2)
	b.ReportAllocs()
	for b.Loop() {
		if slots.Take(b.Context()) == nil {
			slots.Give(nil)
		}
	}
}
