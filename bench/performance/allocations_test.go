package performance

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"superheroes/bench/page/pagetest"
)

var update = flag.Bool("update", false, "update allocations.txt and the generated documents")

var module = filepath.Join("..", "..")

// TestAllocations checks that the hot path allocates exactly as much as the baseline records. Improvements must be
// recorded as well, since a loose baseline would hide the next regression. No test in this package makes assertions
// about timing.
func TestAllocations(t *testing.T) {
	const file = "allocations.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	benchmarks := baselineBenchmarks(string(text))
	if !slices.Contains(benchmarks, executeBenchmark()) {
		t.Errorf("allocations.txt lacks the benchmark %v", executeBenchmark())
	}
	measured, err := measureBenchmarks(t.Context(), module, iterations, benchmarks...)
	if err != nil {
		t.Fatal(err)
	}
	pagetest.Golden(t, *update, file, rewriteBaseline(string(text), measured))
}

func TestRewriteBaseline(t *testing.T) {
	measured := parseBenchmarks(`goos: linux
pkg: superheroes/internal/a
BenchmarkX/y         	     200	      2149 ns/op	     843 B/op	       3 allocs/op
BenchmarkX/y         	     200	       330.0 ns/op	       40 B/op	       2 allocs/op
BenchmarkNoMemory    	     200	       330.0 ns/op
PASS
pkg: superheroes/internal/b
BenchmarkX/y         	     200	      6064 ns/op	  49.31 MB/s	    1007 B/op	      17 allocs/op
ok  	superheroes/internal/b	0.2s
`)
	got := rewriteBaseline("# a comment\n\ninternal/a BenchmarkX/y 9 9\ninternal/b BenchmarkX/y 9 -\ninternal/b BenchmarkGone 9 9\n", measured)
	const want = "# a comment\n\n" +
		"internal/a                 BenchmarkX/y                              2      40\n" +
		"internal/b                 BenchmarkX/y                             17       -\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
