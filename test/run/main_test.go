package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/test/engines/find"
)

// TestRun runs the real runner on a module that contains one small test, with all engines missing.
func TestRun(t *testing.T) {
	tests := []struct {
		name   string
		body   string
		strict string
		code   int
		last   string
		said   string
	}{
		{"passes", `t.Log("heard only on failure")`, "", 0, "1 passed, 0 failed, 0 skipped", "SKIPPED PostgreSQL"},
		{"does not compile", `undefined()`, "", 1, "0 passed, 1 failed, 0 skipped", "undefined: undefined"},
		{"is skipped", `t.Skip("no moon")`, "", 1, "0 passed, 0 failed, 1 skipped", "FAILED no test ran"},
		{"engines are missing", ``, "1", 1, "1 passed, 0 failed, 0 skipped", "FAILED TEST_STRICT=1 and 2 engines missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			module(t, ".", test.body)
			t.Setenv("TMPDIR", t.TempDir()) // restores the variable after the test, because run changes it
			t.Setenv("TEST_STRICT", test.strict)
			var out bytes.Buffer
			code := run(t.Context(), nil, &out, noEngines)
			lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
			if code != test.code || lines[len(lines)-1] != test.last || !strings.Contains(out.String(), test.said) {
				t.Errorf("exit code %d, want %d; want the last line %q and %q in:\n%s", code, test.code, test.last, test.said, &out)
			}
			if strings.Contains(out.String(), "heard only on failure") {
				t.Errorf("the output contains the output of a passing test:\n%s", &out)
			}
		})
	}
}

// TestRunOfAllModules checks that all modules are tested and counted together, even if the first module's tests fail.
func TestRunOfAllModules(t *testing.T) {
	t.Chdir(t.TempDir())
	module(t, ".", `t.Error("the cause")`)
	for _, folder := range nested() {
		module(t, folder, "")
	}
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("TEST_STRICT", "")
	var out bytes.Buffer
	code := run(t.Context(), nil, &out, noEngines)
	told := strings.HasSuffix(out.String(), "\n2 passed, 1 failed, 0 skipped\n") && strings.Contains(out.String(), "the cause")
	if code != 1 || !told {
		t.Errorf("exit code %d, want 1; want 2 passed and 1 failed, and why:\n%s", code, &out)
	}
}

// module creates a module with a single test in the folder.
func module(t *testing.T, folder, body string) {
	t.Helper()
	files := map[string]string{
		"go.mod":    "module " + find.Path() + "\n\ngo 1.26\n",
		"a_test.go": "package sample\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {\n\t" + body + "\n}\n",
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// noEngines returns only missing engines.
func noEngines(context.Context, string, sayer) []*find.Engine {
	missing := func(name string) *find.Engine {
		return &find.Engine{Name: name, Missing: errors.New("nobody has one")}
	}
	return []*find.Engine{missing("PostgreSQL"), missing("Chromium")}
}
