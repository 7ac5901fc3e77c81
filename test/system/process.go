// Package system runs the program as a user does, for black-box tests: real processes, real sockets, real signals.
package system

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"superheroes/test/engines"
)

// startTimeout bounds how long a process may take until it is ready, on a busy machine.
const startTimeout = 3 * time.Minute

// Build builds the program into a folder of the test's own and returns its path; with the race detector when the
// test has it. Go's build cache makes it cheap after the first time.
func Build(tb testing.TB) string {
	tb.Helper()
	return BuildWith(tb)
}

// BuildWith is Build with further arguments of go build.
func BuildWith(tb testing.TB, further ...string) string {
	tb.Helper()
	// The program is built with the versions of its own module, also for tests of the bench's.
	module, err := exec.CommandContext(tb.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "superheroes").Output()
	if err != nil {
		tb.Fatalf("finding the program's module: %v", err)
	}
	return BuildPackage(tb, "superheroes/cmd/superheroes", append([]string{"-C", strings.TrimSpace(string(module))}, further...)...)
}

// BuildPackage builds another program as Build does, with further arguments of go build.
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
type Process struct {
	Stdout, Stderr Output
	command        *exec.Cmd
	ended          chan struct{}
}

// Start starts the program with these arguments. The environment is the test's, without any variable that the
// program reads, and env. The test's end kills it, and fails when the race detector found something.
func Start(tb testing.TB, program string, env []string, args ...string) *Process {
	tb.Helper()
	p := &Process{command: exec.CommandContext(context.WithoutCancel(tb.Context()), program, args...), ended: make(chan struct{})}
	p.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.Getenv("TMPDIR")}, env...)
	p.command.Stdout, p.command.Stderr = &p.Stdout, &p.Stderr
	dieWithParent(p.command)
	if err := p.command.Start(); err != nil {
		tb.Fatalf("starting %s: %v", program, err)
	}
	go func() {
		_ = p.command.Wait() // the exit code tells
		close(p.ended)
	}()
	tb.Cleanup(func() {
		p.Kill()
		if tb.Failed() && p.Stderr.String() != "" {
			tb.Logf("stderr of %s:\n%s", strings.Join(args, " "), p.Stderr.String())
		}
		if strings.Contains(p.Stderr.String(), "DATA RACE") {
			tb.Errorf("data race in %s %s:\n%s", program, strings.Join(args, " "), p.Stderr.String())
		}
	})
	return p
}

// Signal sends a signal.
func (p *Process) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		tb.Fatalf("sending %v: %v", signal, err)
	}
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.command.Process.Pid }

// Kill ends the process as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

// Wait waits for the process to end, and returns its exit code; -1 when a signal ended it.
func (p *Process) Wait(tb testing.TB, atMost time.Duration) int {
	tb.Helper()
	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode()
	case <-time.After(atMost):
		tb.Fatalf("the process did not end within %s; stderr:\n%s", atMost, p.Stderr.String())
		return 0
	}
}

// Ready waits until url answers 200, and fails the test when the process ends or it takes too long.
func (p *Process) Ready(tb testing.TB, url string) {
	tb.Helper()
	deadline := time.Now().Add(startTimeout)
	for {
		select {
		case <-p.ended:
			tb.Fatalf("the process ended with %d before it was ready; stderr:\n%s", p.command.ProcessState.ExitCode(), p.Stderr.String())
		case <-time.After(20 * time.Millisecond):
		}
		if status, err := get(tb.Context(), url); err == nil && status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s was not ready within %s; stderr:\n%s", url, startTimeout, p.Stderr.String())
		}
	}
}

func get(ctx context.Context, url string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := Client().Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

// Client returns an HTTP client that never repeats a request: each has a connection of its own, and a kept-alive one
// that broke is the only thing net/http repeats a GET for. It follows no redirect.
func Client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Output collects what a process writes.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns all that was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// FreeAddr returns an address on loopback that nobody listens on.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	port, err := engines.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
