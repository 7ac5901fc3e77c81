package performance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// allocated is what one iteration of a benchmark allocates. Unlike times, these figures are the same on every machine.
type allocated struct {
	Allocs int64
	Bytes  int64 // unknown if it varies between runs
}

// unknown marks a number of bytes that is not compared.
const unknown = -1

// baseline is the content of allocations.txt: what each benchmark of the hot path allocates.
type baseline struct {
	order []benchmark
	of    map[benchmark]allocated
}

// benchmark identifies a benchmark, such as internal/web BenchmarkExecuteFight.
type benchmark struct{ Package, Name string }

func (b benchmark) String() string { return b.Package + " " + b.Name }

// executeBenchmark returns the benchmark of a whole fight, which the allocation target is about.
func executeBenchmark() benchmark { return benchmark{"internal/web", "BenchmarkExecuteFight"} }

// parseBaseline parses lines of package, benchmark, allocations and bytes; - stands for bytes that vary. # starts a comment.
func parseBaseline(text string) (baseline, error) {
	b := baseline{of: map[benchmark]allocated{}}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 4 {
			return b, fmt.Errorf("%q: want package, benchmark, allocations and bytes", strings.TrimSpace(line))
		}
		allocs, err := strconv.ParseInt(fields[2], 10, 64)
		bytes := int64(unknown)
		if fields[3] != "-" {
			var wrong error
			bytes, wrong = strconv.ParseInt(fields[3], 10, 64)
			err = errors.Join(err, wrong)
		}
		if err != nil {
			return b, fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
		}
		name := benchmark{fields[0], fields[1]}
		b.order, b.of[name] = append(b.order, name), allocated{allocs, bytes}
	}
	return b, nil
}

// rewrite returns the text with its figures replaced by the measured ones. Bytes that vary stay marked as such.
func (b baseline) rewrite(text string, measured map[benchmark]allocated) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 4 || strings.HasPrefix(line, "#") {
			out.WriteString(line)
			continue
		}
		now, bytes := measured[benchmark{fields[0], fields[1]}], fields[3]
		if bytes != "-" {
			bytes = strconv.FormatInt(now.Bytes, 10)
		}
		fmt.Fprintf(&out, "%-26s %-36s %6d %7s\n", fields[0], fields[1], now.Allocs, bytes)
	}
	return out.String()
}

// compare returns the differences from the baseline. Improvements count too: a loose baseline would hide the next regression.
func (b baseline) compare(measured map[benchmark]allocated) []string {
	var differences []string
	for _, name := range b.order {
		want := b.of[name]
		got, there := measured[name]
		if !there {
			differences = append(differences, name.String()+": the benchmark no longer exists")
			continue
		}
		differences = append(differences, differs(name, "allocations", got.Allocs, want.Allocs)...)
		if want.Bytes != unknown {
			differences = append(differences, differs(name, "bytes", got.Bytes, want.Bytes)...)
		}
	}
	return differences
}

func differs(name benchmark, unit string, got, want int64) []string {
	switch {
	case got > want:
		return []string{fmt.Sprintf("%s: regression: %d %s per iteration, was %d", name, got, unit, want)}
	case got < want:
		return []string{fmt.Sprintf("%s: improvement: %d %s per iteration, was %d; update the baseline", name, got, unit, want)}
	}
	return nil
}

// Each benchmark runs 200 iterations, three times: the minimum eliminates one-time allocations and those of other goroutines.
const iterations, times = 200, 3

// measure runs the benchmarks of the baseline in a separate process without the race detector, which also allocates.
func (b baseline) measure(ctx context.Context, module string) (map[benchmark]allocated, error) {
	packages, names := map[string]bool{}, map[string]bool{}
	for _, each := range b.order {
		name, _, _ := strings.Cut(each.Name, "/")
		packages["./"+each.Package], names[regexp.QuoteMeta(name)] = true, true
	}
	args := []string{"test", "-run", "^$", "-bench", "^(" + strings.Join(sorted(names), "|") + ")$", "-cpu", "1", "-benchmem",
		"-benchtime", strconv.Itoa(iterations) + "x", "-count", strconv.Itoa(times)}
	command := exec.CommandContext(ctx, "go", append(args, sorted(packages)...)...)
	command.Dir = module
	output, err := command.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("running the benchmarks: %w: %s", err, output)
	}
	return parseBenchmarks(string(output)), nil
}

func sorted(set map[string]bool) []string {
	var list []string
	for each := range set {
		list = append(list, each)
	}
	slices.Sort(list)
	return list
}

// parseBenchmarks parses the output of `go test -benchmem` and returns the minimum over each benchmark's runs.
func parseBenchmarks(output string) map[benchmark]allocated {
	lowest := map[benchmark]allocated{}
	pkg := ""
	lines := bufio.NewScanner(strings.NewReader(output))
	for lines.Scan() {
		if path, found := strings.CutPrefix(lines.Text(), "pkg: superheroes/"); found {
			pkg = path
		}
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		allocs, known := before(fields, "allocs/op")
		bytes, _ := before(fields, "B/op") // both are printed, or neither
		if !known {
			continue
		}
		name := benchmark{pkg, fields[0]}
		if had, again := lowest[name]; again {
			allocs, bytes = min(allocs, had.Allocs), min(bytes, had.Bytes)
		}
		lowest[name] = allocated{allocs, bytes}
	}
	return lowest
}

// before returns the number that precedes the unit.
func before(fields []string, unit string) (int64, bool) {
	at := slices.Index(fields, unit)
	if at < 1 {
		return 0, false
	}
	n, err := strconv.ParseInt(fields[at-1], 10, 64)
	return n, err == nil
}

// allocations measures what our own code allocates for a fight.
func (s *setup) allocations() error {
	name := executeBenchmark()
	only := baseline{order: []benchmark{name}}
	measured, err := only.measure(s.ctx, s.module)
	if err != nil {
		return err
	}
	got, there := measured[name]
	if !there {
		return fmt.Errorf("%s did not run", name)
	}
	s.r.Allocations = &got.Allocs
	s.say("allocations: %d", got.Allocs)
	return nil
}
