// Package system runs the program as a user does, for black-box tests: real processes, sockets and signals. It knows
// the program's command line and addresses, but none of its packages.
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

// startTimeout is how long a process may take to become ready, on a busy machine.
const startTimeout = 3 * time.Minute

// Build builds the program into a temporary folder and returns its path, with the race detector if the test uses it.
// Go's build cache makes it cheap after the first time.
func Build(tb testing.TB) string {
	tb.Helper()
	return BuildWith(tb)
}

// BuildWith is Build with additional arguments of go build.
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

// Start starts the program with these arguments. The environment is env and the few variables of the test's that any
// program needs. When the test ends, the process is killed, and the test fails if the race detector found something.
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
		_ = p.command.Wait() // the exit code says why
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

// Kill ends the process like kill -9, and waits until it has exited.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // it may have exited
	<-p.ended
}

// Wait waits for the process to exit, and returns its exit code, or -1 if a signal ended it.
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

// Ready waits until url returns 200. It fails the test if the process exits or that takes too long.
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

// Client returns an HTTP client that never repeats a request: net/http only repeats a GET on a broken kept-alive
// connection, and this client uses a new one for each request. It doesn't follow redirects.
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

// String returns everything written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// FreeAddr returns an unused loopback address.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	port, err := engines.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
