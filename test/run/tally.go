package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// tally counts tests, and prints a line for each finished package and the output of failed tests.
//
// A test or subtest that has no subtests of its own counts once. A test that has subtests counts only if it failed
// itself and none of its subtests did. A package that failed without a failing test, for example because it doesn't
// compile or its TestMain exits, counts as one failure.
type tally struct {
	out      io.Writer
	verbose  bool // whether to print all output immediately
	packages map[string]*suite
	builds   map[string][]string // compiler output, by import path

	passed, failed int
	skips          []skip
}

// suite contains the tests of one running package.
type suite struct {
	name   string
	tests  []*test  // in the order in which they were started
	output []string // output that doesn't come from a test

	passed, failed, skipped int
}

// test is a test or subtest that has been started.
type test struct {
	name    string
	output  []string
	outcome string // pass, fail or skip; empty while it runs
}

// skip is a skipped test and the reason why it was skipped.
type skip struct{ pkg, test, reason string }

func newTally(out io.Writer) *tally {
	return &tally{out: out, packages: map[string]*suite{}, builds: map[string][]string{}}
}

// String returns the summary line of the run.
func (t *tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, len(t.skips))
}

// ran returns the number of tests that were not skipped.
func (t *tally) ran() int { return t.passed + t.failed }

// read processes the output of `go test -json`: it records events, and prints all lines that aren't events.
func (t *tally) read(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var next event
		if json.Unmarshal(line, &next) == nil {
			t.take(next)
		} else {
			fmt.Fprint(t.out, string(line))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the output of go test: %w", err)
		}
	}
}

// event is a line of the output of `go test -json`.
type event struct {
	Action      string  // start, run, output, pass, fail, skip, build-output, build-fail, …
	Package     string  // import path of the package
	ImportPath  string  // used instead of Package in build events; may end with a package variant in brackets
	Test        string  // empty for events that concern the whole package
	Output      string  // including the line feed
	Elapsed     float64 // duration in seconds
	FailedBuild string  // ImportPath of the build whose failure made the package fail, if any
}

func (t *tally) take(e event) {
	if t.verbose {
		fmt.Fprint(t.out, e.Output)
	}
	switch {
	case e.Action == "build-output":
		t.builds[e.ImportPath] = append(t.builds[e.ImportPath], e.Output)
	case e.Package == "":
		// The event is unrelated to tests.
	case e.Test != "":
		t.suite(e.Package).take(e)
	default:
		t.takePackage(e)
	}
}

// suite returns the suite of the named package, creating the suite on first use.
func (t *tally) suite(name string) *suite {
	if t.packages[name] == nil {
		t.packages[name] = &suite{name: name}
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

// end counts the tests in a package, prints the output of failed tests, and then prints the line for the package.
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

// finish counts unfinished packages as failed.
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
