// Package program runs the program as a user does, with real processes, sockets and signals. Package program uses the
// command line and the addresses of the program under test, but none of that program's packages. Package system wraps
// this package for tests.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"superheroes/test/engines"
)

// Process is a running program.
type Process struct {
	Stdout, Stderr Output // empty if the command has a Stdout or Stderr of its own
	command        *exec.Cmd
	ended          chan struct{}
}

// Environment returns the environment variables that every program needs, with the current process's values.
func Environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.Getenv("TMPDIR")}
}

// Start starts the command with the variables from Environment and env. On Linux, the process is killed when this
// process dies.
func Start(command *exec.Cmd, env []string) (*Process, error) {
	p := &Process{command: command, ended: make(chan struct{})}
	command.Env = append(Environment(), env...)
	if command.Stdout == nil {
		command.Stdout = &p.Stdout
	}
	if command.Stderr == nil {
		command.Stderr = &p.Stderr
	}
	dieWithParent(command)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", command.Path, err)
	}
	go func() {
		_ = command.Wait() // the error is irrelevant: callers use the exit code
		close(p.ended)
	}()
	return p, nil
}

// Pid returns the process id.
func (p *Process) Pid() int { return p.command.Process.Pid }

// Signal sends a signal to the process.
func (p *Process) Signal(signal os.Signal) error { return p.command.Process.Signal(signal) }

// Ended returns a channel that is closed when the process has exited.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// ExitCode returns the exit code of a process that has exited, or -1 if a signal killed the process.
func (p *Process) ExitCode() int { return p.command.ProcessState.ExitCode() }

// Kill kills the process as `kill -9` does, and waits until the process has exited.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // the process may already have exited
	<-p.ended
}

// Stop asks the process to exit, and kills it if it takes longer than patience. Stop returns an error if the exit code
// is not 0.
func (p *Process) Stop(patience time.Duration) error {
	_ = p.Signal(syscall.SIGTERM) // the process may already have exited
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.Kill()
	}
	if !p.command.ProcessState.Success() {
		return fmt.Errorf("%s: %s", p.command.Path, p.command.ProcessState)
	}
	return nil
}

// Ready waits until url returns 200, or returns an error if the process exits or ctx is canceled first.
func (p *Process) Ready(ctx context.Context, url string) error {
	for {
		select {
		case <-p.ended:
			return fmt.Errorf("the process exited with code %d before it was ready; stderr:\n%s", p.ExitCode(), &p.Stderr)
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready: %w; stderr:\n%s", url, context.Cause(ctx), &p.Stderr)
		case <-time.After(10 * time.Millisecond):
		}
		if _, err := Get(ctx, url); err == nil {
			return nil
		}
	}
}

// Get sends a GET request and returns the response body. Get returns an error if the status isn't 200.
func Get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := Client().Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s returned %s: %.200s", url, response.Status, body)
	}
	return body, nil
}

// Client returns an HTTP client that never repeats a request. net/http repeats requests only on broken kept-alive
// connections, and this client opens a new connection for each request. It doesn't follow redirects.
func Client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Output is a writer that collects the output of a process.
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

// String returns the output collected so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// FreeAddr returns an unused loopback address.
func FreeAddr() (string, error) {
	port, err := engines.FreePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

// FreeUp assigns an unused port to each service that `up` runs. FreeUp returns each service's base URL, by service
// name, and the environment variables that set the addresses, with that of the admin listener. It doesn't start anything.
func FreeUp() (urls map[string]string, env []string, err error) {
	urls = map[string]string{}
	for _, service := range []string{"heroes", "villains", "locations", "fights", "statistics", "arena"} {
		addr, err := FreeAddr()
		if err != nil {
			return nil, nil, err
		}
		urls[service], env = "http://"+addr, append(env, strings.ToUpper(service)+"_ADDR="+addr)
	}
	admin, err := FreeAddr()
	if err != nil {
		return nil, nil, err
	}
	return urls, append(env, "ADMIN_ADDR="+admin), nil
}
