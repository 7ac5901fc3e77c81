package performance

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// allocated holds a benchmark's allocations and allocated bytes per iteration, which are the same on every machine, and
// its nanoseconds, which aren't.
type allocated struct {
	allocs, bytes int64
	ns            float64
}

// benchmark identifies a benchmark, such as internal/web BenchmarkExecuteFight.
type benchmark struct{ pkg, name string }

// executeBenchmark returns the benchmark that measures a complete fight, for which there is an allocation target.
func executeBenchmark() benchmark { return benchmark{"internal/web", "BenchmarkExecuteFight"} }

// baselineFields parses a line of allocations.txt into a benchmark and its allocated bytes. It returns false if the
// line has no benchmark.
func baselineFields(line string) (name benchmark, bytes string, found bool) {
	fields := strings.Fields(line)
	if strings.HasPrefix(line, "#") || len(fields) != 4 {
		return benchmark{}, "", false
	}
	return benchmark{fields[0], fields[1]}, fields[3], true
}

// baselineBenchmarks returns the benchmarks listed in the text of allocations.txt.
func baselineBenchmarks(text string) []benchmark {
	var all []benchmark
	for line := range strings.Lines(text) {
		if name, _, found := baselineFields(line); found {
			all = append(all, name)
		}
	}
	return all
}

// rewriteBaseline returns the text of allocations.txt, updated with the measured figures. A dash, which stands for a
// byte count that varies between runs, is kept. Benchmarks that were not measured are dropped.
func rewriteBaseline(text string, measured map[benchmark]allocated) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		name, bytes, found := baselineFields(line)
		if !found {
			out.WriteString(line)
			continue
		}
		now, known := measured[name]
		if bytes != "-" {
			bytes = strconv.FormatInt(now.bytes, 10)
		}
		if known {
			fmt.Fprintf(&out, "%-26s %-36s %6d %7s\n", name.pkg, name.name, now.allocs, bytes)
		}
	}
	return out.String()
}

// Each benchmark runs three times, with 200 iterations if only allocations matter. Taking the minimum eliminates one-time
// allocations and allocations by other goroutines.
const iterations, times = "200x", 3

// measureBenchmarks runs the benchmarks in a separate process without the race detector, because the race detector
// itself allocates memory.
func measureBenchmarks(ctx context.Context, module, benchtime string, benchmarks ...benchmark) (map[benchmark]allocated, error) {
	packages, names := map[string]bool{}, map[string]bool{}
	for _, each := range benchmarks {
		name, _, _ := strings.Cut(each.name, "/")
		packages["./"+each.pkg], names[name] = true, true
	}
	pattern := "^(" + strings.Join(slices.Sorted(maps.Keys(names)), "|") + ")$"
	args := []string{"test", "-run", "^$", "-bench", pattern, "-cpu", "1",
		"-benchmem", "-benchtime", benchtime, "-count", strconv.Itoa(times)}
	command := exec.CommandContext(ctx, "go", append(args, slices.Sorted(maps.Keys(packages))...)...)
	command.Dir = module
	output, err := command.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("running the benchmarks: %w: %s", err, output)
	}
	return parseBenchmarks(string(output)), nil
}

// parseBenchmarks parses the output of `go test -benchmem` and returns each benchmark's minimum over its runs.
func parseBenchmarks(output string) map[benchmark]allocated {
	figures := regexp.MustCompile(`^(Benchmark\S+)\s.*?([\d.]+) ns/op.* (\d+) B/op\s+(\d+) allocs/op`)
	lowest := map[benchmark]allocated{}
	pkg := ""
	for line := range strings.Lines(output) {
		if path, found := strings.CutPrefix(line, "pkg: superheroes/"); found {
			pkg = strings.TrimSpace(path)
		}
		found := figures.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		name := benchmark{pkg, found[1]}
		ns, _ := strconv.ParseFloat(found[2], 64) // always valid, since the pattern matches only digits
		bytes, _ := strconv.ParseInt(found[3], 10, 64)
		allocs, _ := strconv.ParseInt(found[4], 10, 64)
		if had, again := lowest[name]; again {
			allocs, bytes, ns = min(allocs, had.allocs), min(bytes, had.bytes), min(ns, had.ns)
		}
		lowest[name] = allocated{allocs, bytes, ns}
	}
	return lowest
}

// allocations measures how many allocations our own code makes per fight.
func (s *setup) allocations() error {
	measured, err := measureBenchmarks(s.ctx, s.module, iterations, executeBenchmark())
	if err != nil {
		return err
	}
	got, there := measured[executeBenchmark()]
	if !there {
		return fmt.Errorf("%v did not run", executeBenchmark())
	}
	s.r.Allocations = &got.allocs
	s.say("allocations: %d", got.allocs)
	return nil
}
