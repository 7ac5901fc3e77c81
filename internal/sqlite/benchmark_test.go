package sqlite

import (
	"path/filepath"
	"testing"

	"superheroes/internal/fight/fighttest"
)

// BenchmarkGuard measures the cost of the guard: Begun and Committed for a commit, Check for a read.
func BenchmarkGuard(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "test.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Writes.ExecContext(b.Context(), "CREATE TABLE t (id INTEGER)"); err != nil {
		b.Fatal(err)
	}
	for name, look := range map[string]func() error{"begun": db.Begun, "committed": db.Committed, "check": db.Check} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := fighttest.CPUTime()
			for b.Loop() {
				if err := look(); err != nil {
					b.Fatal(err)
				}
			}
			after := fighttest.CPUTime()
			b.ReportMetric(float64((after-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}
