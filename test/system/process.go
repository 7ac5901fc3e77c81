// Package system runs the program for black-box tests (see package program), and fails the test if running the program
// fails.
package system

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"superheroes/test/engines/find"

	"superheroes/test/program"
)

// startTimeout is how long a process may take to become ready. The limit is long enough for a busy machine.
const startTimeout = 3 * time.Minute

// Build builds the program into a temporary folder and returns its path. The build uses the race detector if the test
// itself does. Go's build cache makes repeated builds cheap.
func Build(tb testing.TB) string {
	tb.Helper()
	return BuildWith(tb)
}

// BuildWith is like Build, with additional arguments for go build.
func BuildWith(tb testing.TB, further ...string) string {
	tb.Helper()
	// The build runs in the main module's directory, so that the main module's dependency versions apply, even in tests
	// of the bench module.
	module, err := find.Module(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return BuildPackage(tb, "superheroes/cmd/superheroes", append([]string{"-C", module}, further...)...)
}

// BuildPackage is like BuildWith, but builds the program in the given package.
func BuildPackage(tb testing.TB, pkg string, further ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), filepath.Base(pkg))
	args := append(append([]string{"build"}, further...), "-o", path)
	if raceEnabled {
		args = append(args, "-race")
	}
	command := exec.CommandContext(tb.Context(), "go", append(args, pkg)...)
	if output, err := command.CombinedOutput(); err != nil {
		tb.Fatalf("building %s: %v\n%s", pkg, err, output)
	}
	return path
}

// Process is a running program.
type Process struct{ *program.Process }

// Start starts the program with the given arguments. The environment consists of env and the variables from
// program.Environment. When the test ends, the process is killed, and the test fails if the race detector has reported
// a data race.
func Start(tb testing.TB, path string, env []string, args ...string) *Process {
	tb.Helper()
	started, err := program.Start(exec.CommandContext(context.WithoutCancel(tb.Context()), path, args...), env)
	if err != nil {
		tb.Fatal(err)
	}
	p := &Process{started}
	tb.Cleanup(func() {
		p.Kill()
		if tb.Failed() && p.Stderr.String() != "" {
			tb.Logf("stderr of %s:\n%s", strings.Join(args, " "), &p.Stderr)
		}
		if strings.Contains(p.Stderr.String(), "DATA RACE") {
			tb.Errorf("data race in %s %s:\n%s", path, strings.Join(args, " "), &p.Stderr)
		}
	})
	return p
}

// Signal sends a signal.
func (p *Process) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	if err := p.Process.Signal(signal); err != nil {
		tb.Fatalf("sending %v: %v", signal, err)
	}
}

// Wait waits for the process to exit, and returns the exit code, or -1 if a signal killed the process.
func (p *Process) Wait(tb testing.TB, atMost time.Duration) int {
	tb.Helper()
	select {
	case <-p.Ended():
		return p.ExitCode()
	case <-time.After(atMost):
		tb.Fatalf("the process did not end within %s; stderr:\n%s", atMost, &p.Stderr)
		return 0
	}
}

// Ready waits until url returns 200. Ready fails the test if the process exits or the wait takes too long.
func (p *Process) Ready(tb testing.TB, url string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startTimeout)
	defer cancel()
	if err := p.Process.Ready(ctx, url); err != nil {
		tb.Fatal(err)
	}
}

// Client returns an HTTP client that never repeats a request and doesn't follow redirects.
func Client() *http.Client { return program.Client() }

// FreeAddr returns an unused loopback address.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	addr, err := program.FreeAddr()
	if err != nil {
		tb.Fatal(err)
	}
	return addr
}
