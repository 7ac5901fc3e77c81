package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"superheroes/test/system"
)

const learn = "docs/learn.md"

// sometimes is the clause that the last exercise violates only if two random fighters happen to have the same level.
const sometimes = "fights.execute.rule"

// TestReadingList checks that the reading list in docs/learn.md has eight files and about 1,500 lines.
func TestReadingList(t *testing.T) {
	list, _, _ := strings.Cut(read(t, learn), "\n## The exercises\n")
	files := regexp.MustCompile(`(?m)^### \d\. \[[^\]]+\]\(\.\./([^)#]+)\)`).FindAllStringSubmatch(list, -1)
	lines := 0
	for _, file := range files {
		lines += strings.Count(read(t, file[1]), "\n")
	}
	if len(files) != 8 || lines < 1350 || lines > 1650 {
		t.Errorf("the list has %d files and %d lines", len(files), lines)
	}
}

// TestExercises runs the commands of each exercise in docs/learn.md in a copy of the repository, which must show that
// the exercise's tests fail without its solution and pass with it. Then it scores the changed program: exactly the
// clauses of the contract suite that the exercise names must fail.
func TestExercises(t *testing.T) {
	needsShell(t)
	// As in `make build`, so that both use the same build cache; -trimpath makes the cache independent of the folder.
	t.Setenv("CGO_ENABLED", "0")
	t.Setenv("GOFLAGS", "-trimpath")
	_, exercises, _ := strings.Cut(read(t, learn), "\n## The exercises\n")
	all := regexp.MustCompile(`(?m)^### \d\. `).Split(exercises, -1)[1:]
	if len(all) != 3 {
		t.Errorf("%d exercises, want 3", len(all))
	}
	for _, text := range all {
		name, text, _ := strings.Cut(text, "\n")
		t.Run(name, func(t *testing.T) {
			folder := copyTree(t)
			runExercise(t, folder, name, text)
			for _, c := range score(t, folder, upArgs(t, text)) {
				named := strings.Contains(text, "`"+c.ID+"`")
				if fails := c.Result != "pass"; fails != named && c.ID != sometimes {
					t.Errorf("%s: %s; the exercise says that it fails: %t\n%s", c.ID, c.Result, named, c.Detail)
				}
			}
		})
	}
}

// copyTree copies the working tree, except ignored files.
func copyTree(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatalf("listing the files of the repository: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) { // deleted, but not committed yet
			continue
		}
		target := filepath.Join(folder, name)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, content, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// runExercise runs the commands of an exercise in the given folder.
func runExercise(t *testing.T, folder, name, text string) {
	t.Helper()
	steps, err := parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	runner := &runner{dir: folder, out: &out, patience: patience}
	runner.document(t.Context(), steps)
	if failing := func(s step) bool { return s.fails }; runner.failed > 0 || !slices.ContainsFunc(steps, failing) {
		t.Fatalf("a command failed, or no command shows that the tests fail without the solution:\n%s", &out)
	}
}

// upArgs returns the arguments with which the exercise starts the changed program.
func upArgs(t *testing.T, text string) []string {
	t.Helper()
	start := regexp.MustCompile(`(?m)^DATA_DIR=\S+ go run \./cmd/superheroes up(.*)$`).FindStringSubmatch(text)
	if start == nil {
		t.Fatal("the exercise doesn't start the program")
	}
	return strings.Fields(start[1])
}

// score builds and starts the program in the given folder, and scores it with the contract suite from the same folder.
func score(t *testing.T, folder string, args []string) (clauses []clause) {
	t.Helper()
	binaries := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-C", folder, "-ldflags=-s -w", "-o", binaries, "./cmd/superheroes", "./conformance")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the changed program: %v\n%s", err, output)
	}
	s := system.Up(t, filepath.Join(binaries, "superheroes"), t.TempDir(), args...)
	judge := exec.CommandContext(t.Context(), filepath.Join(binaries, "conformance"), "--json", "--timeout=1m",
		"--heroes="+s.Heroes, "--villains="+s.Villains, "--locations="+s.Locations, "--fights="+s.Fights)
	output, _ := judge.Output() // the exit code says whether clauses failed
	var result struct{ Clauses []clause }
	if err := json.Unmarshal(output, &result); err != nil || len(result.Clauses) == 0 {
		t.Fatalf("the contract suite wrote %q: %v", output, err)
	}
	return result.Clauses
}

// clause is a clause of the contract, with its result.
type clause struct{ ID, Result, Detail string }
