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

// newRunner returns a runner in an empty folder, and the address of a server that returns 200 once a file named ready
// exists.
func newRunner(t *testing.T) (*runner, *bytes.Buffer, string) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh")
	}
	dir := t.TempDir()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := os.Stat(filepath.Join(dir, "ready")); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	out := new(bytes.Buffer)
	return &runner{dir: dir, out: out, patience: time.Minute}, out, server.Listener.Addr().String()
}

// try runs a document of testdata.
func try(t *testing.T, name string) (*runner, string) {
	t.Helper()
	tried, out, address := newRunner(t)
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(name, strings.ReplaceAll(string(text), "ADDRESS", address))
	if err != nil {
		t.Fatal(err)
	}
	tried.document(t.Context(), steps)
	return tried, out.String()
}

func TestGoodCommands(t *testing.T) {
	tried, out := try(t, "good.md")
	if tried.ran != 5 || tried.skipped != 1 || tried.failed != 0 {
		t.Errorf("%d run, %d skipped, %d failed", tried.ran, tried.skipped, tried.failed)
	}
	if !strings.Contains(out, "SKIPPED: it would never end") {
		t.Error("the skip is not shown")
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
		"it has ended\nexit status 3",
	} {
		if !strings.Contains(out, complaint) {
			t.Errorf("no complaint %q", complaint)
		}
	}
	if tried.failed != 3 {
		t.Errorf("%d failed, want 3", tried.failed)
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestCommandThatNeverEnds(t *testing.T) {
	tried, out, _ := newRunner(t)
	tried.patience = time.Second
	tried.step(t.Context(), step{mode: modeRun, script: "sleep 600"})
	if tried.failed != 1 || !strings.Contains(out.String(), "it did not end in time") {
		t.Errorf("%d failed\n%s", tried.failed, out)
	}
}

// A document's commands must not be tested against a server that was already running.
func TestPortOfSomebodyElse(t *testing.T) {
	tried, out, address := newRunner(t)
	if err := os.WriteFile(filepath.Join(tried.dir, "ready"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tried.step(t.Context(), step{mode: modeBackground, wait: "http://" + address, script: "sleep 600"})
	if tried.failed != 1 || len(tried.background) != 0 || !strings.Contains(out.String(), "the port is in use") {
		t.Errorf("%d failed\n%s", tried.failed, out)
	}
	tried.stop()
}

func TestBackgroundThatEnds(t *testing.T) {
	tried, out, address := newRunner(t)
	tried.step(t.Context(), step{mode: modeBackground, wait: "http://" + address, script: "mkfifo go; echo >ready; read -r _ <go; exit 4"})
	if tried.failed != 0 {
		t.Fatal(out)
	}
	if err := os.WriteFile(filepath.Join(tried.dir, "go"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	<-tried.background[0].ended
	tried.stop()
	if tried.failed != 1 || !strings.Contains(out.String(), "it did not keep running: exit status 4") {
		t.Errorf("%d failed\n%s", tried.failed, out)
	}
}
