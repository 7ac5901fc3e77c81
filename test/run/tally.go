package main

import (
	"fmt"
	"io"
	"strings"
)

// A tally counts the tests of a run, and prints a line for each package that ends and everything that
// failing tests wrote.
//
// What counts: a test without subtests, or a subtest without further subtests, counts once. A test
// that has subtests counts only where it failed and none of them did. A package that failed without
// a failing test of its own, as when it doesn't compile or its TestMain exits, counts as one failed.
type tally struct {
	out      io.Writer
	verbose  bool // print what every test writes, when it writes it
	packages map[string]*suite
	builds   map[string][]string // what the compiler said, by ImportPath

	passed, failed int
	skips          []skip
}

// A suite is the tests of one package that is running.
type suite struct {
	name   string
	tests  map[string]*test
	output []string // of no test

	passed, failed, skipped int
}

// A test is one that began.
type test struct {
	name    string
	order   int // of its beginning
	output  []string
	outcome string // pass, fail or skip; empty while it runs
	parent  bool   // it has subtests
}

// A skip is a test that was skipped, and why.
type skip struct{ pkg, test, reason string }

func newTally(out io.Writer) *tally {
	return &tally{out: out, packages: map[string]*suite{}, builds: map[string][]string{}}
}

// String is the last line of the run.
func (t *tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, len(t.skips))
}

// ran is the number of tests that were not skipped.
func (t *tally) ran() int { return t.passed + t.failed }

func (t *tally) read(from io.Reader) error {
	return readEvents(from, t.take, func(line string) { fmt.Fprint(t.out, line) })
}

func (t *tally) take(e event) {
	if t.verbose {
		fmt.Fprint(t.out, e.Output)
	}
	switch {
	case e.Action == "build-output":
		t.builds[e.ImportPath] = append(t.builds[e.ImportPath], e.Output)
	case e.Package == "":
		// A kind of event that is not about tests.
	case e.Test != "":
		t.suite(e.Package).take(e)
	default:
		t.takePackage(e)
	}
}

// suite returns the package's tests so far.
func (t *tally) suite(name string) *suite {
	if t.packages[name] == nil {
		t.packages[name] = &suite{name: name, tests: map[string]*test{}}
	}
	return t.packages[name]
}

func (t *tally) takePackage(e event) {
	suite := t.suite(e.Package)
	switch e.Action {
	case "output":
		suite.output = append(suite.output, e.Output)
	case "fail":
		if e.FailedBuild != "" {
			suite.output = append(t.builds[e.FailedBuild], suite.output...)
			delete(t.builds, e.FailedBuild)
		}
		t.end(suite, "FAIL", e.Elapsed)
	case "pass":
		t.end(suite, "ok  ", e.Elapsed)
	case "skip":
		t.end(suite, "-   ", e.Elapsed)
	}
}

// end counts the package's tests and prints its line, after the output of those that failed.
func (t *tally) end(suite *suite, word string, seconds float64) {
	delete(t.packages, suite.name)
	t.skips = append(t.skips, suite.count(word == "FAIL")...)
	t.passed += suite.passed
	t.failed += suite.failed
	if suite.failed > 0 && !t.verbose {
		for _, line := range suite.failures() {
			fmt.Fprint(t.out, line)
		}
	}
	fmt.Fprintf(t.out, "%s %s  %s\n", word, suite.name, suite.summary(seconds))
}

// finish counts the packages whose end never came as failed.
func (t *tally) finish() {
	for _, suite := range t.packages {
		t.end(suite, "FAIL", 0)
	}
}

func (s *suite) summary(seconds float64) string {
	if len(s.tests) == 0 && s.failed == 0 {
		return "no tests"
	}
	parts := []string{fmt.Sprintf("%.1f s", seconds), fmt.Sprintf("%d passed", s.passed)}
	if s.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", s.failed))
	}
	if s.skipped > 0 {
		parts = append(parts, fmt.Sprintf("%d skipped", s.skipped))
	}
	return strings.Join(parts, ", ")
}
