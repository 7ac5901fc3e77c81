package performance

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "update allocations.txt and the generated documents")

var module = filepath.Join("..", "..")

// TestAllocations checks that the hot path allocates as much as the baseline says. No test here asserts a time.
func TestAllocations(t *testing.T) {
	const file = "allocations.txt"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := parseBaseline(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(accepted.order, executeBenchmark()) {
		t.Errorf("%s is not in the baseline", executeBenchmark())
	}
	measured, err := accepted.measure(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	differences := accepted.compare(measured)
	if *update && len(differences) > 0 {
		if err := os.WriteFile(file, []byte(accepted.rewrite(string(text), measured)), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("accepted: %q", differences)
		return
	}
	for _, difference := range differences {
		t.Error(difference)
	}
	if len(differences) > 0 {
		t.Log("to accept it: go test -C bench ./performance -run Allocations -update")
	}
}

func TestParseBaseline(t *testing.T) {
	got, err := parseBaseline("# a comment\n\ninternal/a BenchmarkX/y 3 40 # why\ninternal/b BenchmarkZ 0 -\n")
	if err != nil {
		t.Fatal(err)
	}
	x, z := benchmark{"internal/a", "BenchmarkX/y"}, benchmark{"internal/b", "BenchmarkZ"}
	want := map[benchmark]allocated{x: {3, 40}, z: {0, unknown}}
	if diff := cmp.Diff(want, got.of); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(got.order, []benchmark{x, z}) {
		t.Errorf("got the order %v", got.order)
	}
	for _, wrong := range []string{"internal/a BenchmarkX 3", "internal/a BenchmarkX three 40", "internal/a BenchmarkX 3 many"} {
		if _, err := parseBaseline(wrong); err == nil {
			t.Errorf("%q was accepted", wrong)
		}
	}
}

func TestParseBenchmarks(t *testing.T) {
	got := parseBenchmarks(`goos: linux
pkg: superheroes/internal/a
BenchmarkX/y         	     200	      2149 ns/op	     843 B/op	       3 allocs/op
BenchmarkX/y         	     200	       330.0 ns/op	       40 B/op	       2 allocs/op
BenchmarkNoMemory    	     200	       330.0 ns/op
PASS
pkg: superheroes/internal/b
BenchmarkX/y         	     200	      6064 ns/op	  49.31 MB/s	    1007 B/op	      17 allocs/op
ok  	superheroes/internal/b	0.2s
`)
	want := map[benchmark]allocated{{"internal/a", "BenchmarkX/y"}: {2, 40}, {"internal/b", "BenchmarkX/y"}: {17, 1007}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCompareAllocations(t *testing.T) {
	name, varies := benchmark{"internal/a", "BenchmarkX"}, benchmark{"internal/a", "BenchmarkY"}
	accepted := baseline{order: []benchmark{name, varies}, of: map[benchmark]allocated{name: {3, 40}, varies: {3, unknown}}}
	for _, test := range []struct {
		name string
		got  map[benchmark]allocated
		want []string
	}{
		{"the same", map[benchmark]allocated{name: {3, 40}, varies: {3, 77}}, nil},
		{"more allocations", map[benchmark]allocated{name: {4, 40}, varies: {3, 77}},
			[]string{"internal/a BenchmarkX: regression: 4 allocations per iteration, was 3"}},
		{"more bytes", map[benchmark]allocated{name: {3, 48}, varies: {3, 77}},
			[]string{"internal/a BenchmarkX: regression: 48 bytes per iteration, was 40"}},
		{"fewer", map[benchmark]allocated{name: {3, 40}, varies: {2, 0}},
			[]string{"internal/a BenchmarkY: improvement: 2 allocations per iteration, was 3; update the baseline"}},
		{"one is gone", map[benchmark]allocated{name: {3, 40}},
			[]string{"internal/a BenchmarkY: the benchmark no longer exists"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, accepted.compare(test.got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRewriteBaseline(t *testing.T) {
	const text = "# package benchmark allocs bytes\ninternal/a BenchmarkX 3 40\ninternal/a BenchmarkY 3 -\n"
	accepted, err := parseBaseline(text)
	if err != nil {
		t.Fatal(err)
	}
	now := map[benchmark]allocated{{"internal/a", "BenchmarkX"}: {1, 8}, {"internal/a", "BenchmarkY"}: {2, 99}}
	again, err := parseBaseline(accepted.rewrite(text, now))
	if err != nil {
		t.Fatal(err)
	}
	if differences := again.compare(now); differences != nil {
		t.Errorf("differences after the update: %q", differences)
	}
	if again.of[benchmark{"internal/a", "BenchmarkY"}].Bytes != unknown {
		t.Error("bytes that vary are no longer marked as such")
	}
}
