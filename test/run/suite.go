package main

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// take records an event of one test.
func (s *suite) take(e event) {
	current := s.test(e.Test)
	switch e.Action {
	case "output":
		current.output = append(current.output, e.Output)
	case "pass", "fail", "skip":
		current.outcome = e.Action
		if e.Action == "pass" {
			current.output = nil // only output of failed or skipped tests is reported
		}
	}
}

// test returns the named test, and creates it at its first event.
func (s *suite) test(name string) *test {
	if known := s.tests[name]; known != nil {
		return known
	}
	begun := &test{name: name, order: len(s.tests)}
	s.tests[name] = begun
	for prefix := range prefixes(name) {
		if ancestor := s.tests[prefix]; ancestor != nil { // a subtest's own name may contain slashes
			ancestor.parent = true
		}
	}
	return begun
}

// prefixes yields the prefixes of a test's name that end before a slash.
func prefixes(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(name) {
			if name[i] == '/' && !yield(name[:i]) {
				return
			}
		}
	}
}

// count counts the tests by the tally's rule and returns the skipped ones. In a failed package, a test without an
// outcome was aborted by a panic or timeout, and counts as failed.
func (s *suite) count(packageFailed bool) []skip {
	var skips []skip
	for _, test := range s.inOrder() {
		if test.outcome == "" && packageFailed {
			test.outcome = "fail"
		}
		if test.parent && (test.outcome != "fail" || s.failedBelow(test.name)) {
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

func (s *suite) inOrder() []*test {
	return slices.SortedFunc(maps.Values(s.tests), func(a, b *test) int { return cmp.Compare(a.order, b.order) })
}

// failedBelow reports whether a subtest of the test failed.
func (s *suite) failedBelow(name string) bool {
	for _, test := range s.tests {
		if strings.HasPrefix(test.name, name+"/") && test.outcome != "pass" && test.outcome != "skip" {
			return true
		}
	}
	return false
}

// failures returns the output of failed tests, and the output that belongs to no test.
func (s *suite) failures() []string {
	var lines []string
	for _, test := range s.inOrder() {
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

// repeated reports whether a line only repeats what our line about the package says.
func repeated(line string) bool {
	return line == "PASS\n" || line == "FAIL\n" ||
		strings.HasPrefix(line, "FAIL\t") && !strings.Contains(line, "[")
}

// skipReason returns the reason in a skipped test's output: its last message, without the file and line.
func skipReason(output []string) string {
	var message []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--- SKIP") || strings.HasPrefix(line, "=== ") {
			continue
		}
		if text, ok := startOfMessage(line); ok {
			message, line = nil, text
		}
		message = append(message, line)
	}
	if len(message) == 0 {
		return "no reason given"
	}
	return strings.Join(message, " ")
}

// startOfMessage returns the text after the file and line that start a test's message, as in "fight_test.go:12:
// text".
func startOfMessage(line string) (text string, ok bool) {
	file, rest, ok := strings.Cut(line, ".go:")
	if !ok || strings.ContainsAny(file, " \t") {
		return "", false
	}
	number, text, ok := strings.Cut(rest, ": ")
	if !ok {
		return "", false
	}
	_, err := strconv.Atoi(number)
	return text, err == nil
}
