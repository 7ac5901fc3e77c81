package catalog_test

import (
	"context"
	"testing"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/catalog/catalogtest"
	"superheroes/internal/character"
)

// BenchmarkPick measures the cost of a pick, excluding the cost of the store. In the eco profile, a pick costs nothing
// else.
func BenchmarkPick(b *testing.B) {
	for name, limit := range map[string]int64{"eco": 64 << 20, "strict": 0} {
		picker := catalog.NewService(character.Heroes(), catalogtest.NewTable(1000), limit)
		defer picker.Close()
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour) // with a deadline, like a request's context
		defer cancel()
		for _, ready := picker.Ready(); limit > 0 && !ready; _, ready = picker.Ready() { // wait for the background load
			if _, err := picker.Random(ctx); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/item", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := picker.Random(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := picker.RandomJSON(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAppendString encodes one string that can be copied unchanged and one that must be escaped.
func BenchmarkAppendString(b *testing.B) {
	for name, text := range map[string]string{"plain": "Telekinesis, Foresight", "other": "Télékinésie, \"Foresight\""} {
		b.Run(name, func(b *testing.B) {
			buffer := make([]byte, 0, 100)
			b.ReportAllocs()
			for b.Loop() {
				buffer = catalog.AppendString(buffer[:0], text)
			}
		})
	}
}
