package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func needsShell(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh")
	}
}

// try runs the commands of a document in testdata; the document's URLs point to a server that returns 200 once a
// file named ready exists.
func try(t *testing.T, name string) (*runner, string) {
	t.Helper()
	needsShell(t)
	dir := t.TempDir()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := os.Stat(filepath.Join(dir, "ready")); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(name, strings.ReplaceAll(string(text), "ADDRESS", server.Listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	tried := &runner{dir: dir, out: &out, patience: time.Minute}
	tried.document(t.Context(), steps)
	return tried, out.String()
}

func TestGoodCommands(t *testing.T) {
	tried, out := try(t, "good.md")
	if tried.ran != 7 || tried.skipped != 1 || tried.failed != 0 {
		t.Errorf("got %d run, %d skipped, %d failed", tried.ran, tried.skipped, tried.failed)
	}
	if !strings.Contains(out, "SKIPPED: it would never end") {
		t.Error("the output does not mention the skipped command")
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestBadCommands(t *testing.T) {
	tried, out := try(t, "bad.md")
	for _, complaint := range []string{
		"exit status 1",
		`the output does not contain "answer": 42`,
		"the command did not fail",
		"the output does not contain no such number",
		"the command has exited\nexit status 3",
	} {
		if !strings.Contains(out, complaint) {
			t.Errorf("the output lacks %q", complaint)
		}
	}
	if tried.failed != 6 {
		t.Errorf("%d commands failed, want 6", tried.failed)
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestLeftovers checks that files that git doesn't ignore are reported.
func TestLeftovers(t *testing.T) {
	folder := t.TempDir()
	if _, err := git(t.Context(), "init", "--quiet", folder); err != nil {
		t.Skip(err)
	}
	for _, file := range []struct{ name, text, complaint string }{
		{".git/info/exclude", "/ignored\n", ""},
		{"ignored", "", ""},
		{"heroes.csv", "", "heroes.csv"},
	} {
		if err := os.WriteFile(filepath.Join(folder, file.name), []byte(file.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := checkLeftovers(t.Context(), folder)
		if (err != nil) != (file.complaint != "") || err != nil && !strings.Contains(err.Error(), file.complaint) {
			t.Errorf("after %s was written: %v", file.name, err)
		}
	}
}

// TestSteps checks that the commands of all documents can be parsed, so that a mistake shows before they are run.
func TestSteps(t *testing.T) {
	names, err := documentsIn(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := stepsOf(root, name); err != nil {
			t.Error(err)
		}
	}
}
