package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDecisions checks that each decision record has a date and at most ten lines.
func TestDecisions(t *testing.T) {
	records := regexp.MustCompile(`(?m)^### `).Split(read(t, "docs/decisions.md"), -1)[1:]
	if len(records) == 0 {
		t.Fatal("there are none")
	}
	for _, record := range records {
		record, _, _ = strings.Cut(record, "\n## ")
		title, text, _ := strings.Cut(record, "\n")
		if !regexp.MustCompile(`^20\d\d-[01]\d-[0-3]\d · \S`).MatchString(title) {
			t.Errorf("no date: %s", title)
		}
		if lines := strings.Count(strings.TrimSpace(text), "\n") + 1; lines > 10 {
			t.Errorf("%s: %d lines, want at most 10", title, lines)
		}
	}
}

// TestMakeHelp checks that make help lists every target that developers call
// directly.
func TestMakeHelp(t *testing.T) {
	makefile := read(t, "Makefile")
	targets := regexp.MustCompile(`(?m)^\.PHONY: (.+)$`).FindStringSubmatch(makefile)
	if targets == nil {
		t.Fatal("no .PHONY line")
	}
	for target := range strings.FieldsSeq(targets[1]) {
		if target != "help" && !regexp.MustCompile(`@echo '.*\bmake (\w+ )*`+target+`\b`).MatchString(makefile) {
			t.Errorf("make help doesn't show %s", target)
		}
	}
}
