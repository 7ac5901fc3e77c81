package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestREADMELength checks that README.md can be read in a few minutes. Everything else belongs in docs.
func TestREADMELength(t *testing.T) {
	const limit = 900
	visible := regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(read(t, "README.md"), " ")
	if n := len(regexp.MustCompile(`\S*[\p{L}\p{N}]\S*`).FindAllString(visible, -1)); n > limit {
		t.Errorf("README.md has %d words, limit %d; move something to docs", n, limit)
	}
}

// TestIndex checks that docs/README.md lists each page in docs exactly once, in alphabetical order.
func TestIndex(t *testing.T) {
	pages, err := fs.Glob(os.DirFS(root), "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, row := range regexp.MustCompile(`(?m)^\| \[(\w+\.md)\]\((\w+\.md)\) \| .+ \|$`).FindAllStringSubmatch(read(t, "docs/README.md"), -1) {
		if row[1] != row[2] {
			t.Errorf("the link %s points to %s", row[1], row[2])
		}
		listed = append(listed, "docs/"+row[2])
	}
	want := slices.DeleteFunc(pages, func(page string) bool { return page == "docs/README.md" })
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("the pages in docs (-) and in docs/README.md (+) differ:\n%s", diff)
	}
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
