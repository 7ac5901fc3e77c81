package main

import (
	"regexp"
	"slices"
	"strings"
)

// take records an event from a test.
func (s *suite) take(e event) {
	current := s.test(e.Test)
	switch e.Action {
	case "output":
		current.output = append(current.output, e.Output)
	case "pass", "fail", "skip":
		current.outcome = e.Action
		if e.Action == "pass" {
			current.output = nil // only the output of failed or skipped tests is reported
		}
	}
}

// test returns the test with the given name, creating it on first use.
func (s *suite) test(name string) *test {
	i := slices.IndexFunc(s.tests, func(t *test) bool { return t.name == name })
	if i < 0 {
		i = len(s.tests)
		s.tests = append(s.tests, &test{name: name})
	}
	return s.tests[i]
}

// count counts the tests as described for the type tally, and returns the skipped tests. In a failed package, a test
// without an outcome was aborted by a panic or timeout, and counts as failed.
func (s *suite) count(packageFailed bool) []skip {
	var skips []skip
	for _, test := range s.tests {
		if test.outcome == "" && packageFailed {
			test.outcome = "fail"
		}
		if s.anyBelow(test, func(string) bool { return true }) && (test.outcome != "fail" || s.anyBelow(test, failed)) {
			continue
		}
		switch test.outcome {
		case "pass":
			s.passed++
		case "fail":
			s.failed++
		case "skip":
			s.skipped++
			skips = append(skips, skip{pkg: s.name, test: test.name, reason: skipReason(test.output)})
		}
	}
	if packageFailed && s.failed == 0 {
		s.failed = 1
	}
	return skips
}

func failed(outcome string) bool { return outcome != "pass" && outcome != "skip" }

// anyBelow reports whether the outcome of any subtest of the given test satisfies the predicate.
func (s *suite) anyBelow(of *test, outcome func(string) bool) bool {
	return slices.ContainsFunc(s.tests, func(t *test) bool {
		return strings.HasPrefix(t.name, of.name+"/") && outcome(t.outcome)
	})
}

// failures returns the output of failed tests, and output that doesn't belong to any test.
func (s *suite) failures() []string {
	var lines []string
	for _, test := range s.tests {
		if test.outcome == "fail" {
			lines = append(lines, test.output...)
		}
	}
	for _, line := range s.output {
		if !repeated(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// repeated reports whether a line contains only information that is also in the line that the tally prints for the
// package.
func repeated(line string) bool {
	return line == "PASS\n" || line == "FAIL\n" ||
		strings.HasPrefix(line, "FAIL\t") && !strings.Contains(line, "[")
}

// messageStart matches the file and line at the start of a test's message, as in "fight_test.go:12: text".
var messageStart = regexp.MustCompile(`^[^ \t]+\.go:\d+: `)

// skipReason returns the reason for a skip from the test's output: the last message, without file and line.
func skipReason(output []string) string {
	var message []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--- SKIP") || strings.HasPrefix(line, "=== ") {
			continue
		}
		if start := messageStart.FindString(line); start != "" {
			message, line = nil, line[len(start):]
		}
		message = append(message, line)
	}
	if len(message) == 0 {
		return "no reason given"
	}
	return strings.Join(message, " ")
}
