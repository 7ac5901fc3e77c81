package catalogtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// BenchmarkRandom measures picks from tables of three sizes in the eco and strict profiles and, for comparison, the
// primary-key read that each pick makes in the strict profile. The largest table exceeds the memory limit of the eco
// profile.
func (e Engine[T]) BenchmarkRandom(b *testing.B) {
	for _, rows := range sizes() {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			f := e.empty(b)
			f.fill(rows)
			for _, p := range profiles() {
				b.Run(p.name, func(b *testing.B) { f.benchmarkPick(b, p) })
			}
			b.Run("read", func(b *testing.B) { f.benchmarkRead(b, rows) })
		})
	}
}

func (f *fixture[T]) benchmarkPick(b *testing.B, p profile) {
	picker := f.picker(p)
	if _, err := picker.Random(b.Context()); err != nil { // reads the table
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := picker.Random(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func (f *fixture[T]) benchmarkRead(b *testing.B, rows int) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.store.Get(b.Context(), 1+50*rand.Int64N(int64(rows))); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIDs measures the only operation whose cost grows with the table: reading all ids. Picks trigger this read in
// the background, at most twice a second and only if the store can't report that the table is unchanged.
func (e Engine[T]) BenchmarkIDs(b *testing.B) {
	for _, rows := range sizes() {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			f := e.empty(b)
			f.fill(rows)
			b.ReportAllocs()
			for b.Loop() {
				if ids, _, err := f.store.IDs(b.Context(), ""); len(ids) != rows || err != nil {
					b.Fatalf("%d ids: %v", len(ids), err)
				}
			}
		})
	}
}

func sizes() []int { return []int{100, 10_000, 1_000_000} }

// fill inserts rows with the ids 1, 51, 101, … using a single statement that every engine understands. The number of
// rows must be a power of ten.
func (f *fixture[T]) fill(rows int) {
	f.Helper()
	table := f.engine.Kind.Table
	example := f.item(1, "")
	values := make([]string, len(table.Columns))
	for i, name := range table.Columns {
		values[i] = "'" + strings.ReplaceAll(table.Value(example, name), "'", "''") + "'"
	}
	// The cross join of n tables, each with ten digits, has 10^n rows.
	number, from := "0", ""
	for i, power := 0, 1; power < rows; i, power = i+1, power*10 {
		number += fmt.Sprintf(" + %d * d%d.n", power, i)
		from += fmt.Sprintf(" CROSS JOIN digit d%d", i)
	}
	values[0], values[1] = "1 + 50 * ("+number+")", "CONCAT('item ', "+number+")"
	f.exec(f.db.SQL,
		"CREATE TABLE digit (n INTEGER)",
		"INSERT INTO digit VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
		fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", table.Name, strings.Join(table.Columns, ", "),
			strings.Join(values, ", "), strings.TrimPrefix(from, " CROSS JOIN ")))
}
