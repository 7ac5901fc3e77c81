package performance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"superheroes/bench/measure"
)

const (
	startPatience = 60 * time.Second
	stopPatience  = 15 * time.Second
)

// process is a running program started by us.
type process struct {
	command *exec.Cmd
	log     string // file with its output
	ended   chan struct{}
}

// launch starts a program in a clean environment, with its output redirected to a file.
func (l *lab) launch(name string, env []string, line ...string) (*process, error) {
	log, err := os.CreateTemp(l.dir, name+"-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()            // the process has its own descriptor
	command := exec.Command(line[0], line[1:]...) //nolint:noctx // stop shuts it down cleanly
	command.Stdout, command.Stderr = log, log
	command.Env = append(cleanEnvironment(), env...)
	dieWithParent(command)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &process{command, log.Name(), make(chan struct{})}
	go func() {
		_ = command.Wait() // the reason is in its log
		close(p.ended)
	}()
	return p, nil
}

func cleanEnvironment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func (p *process) pid() int { return p.command.Process.Pid }

// stop interrupts the process, and kills it if it doesn't exit in time.
func (p *process) stop() {
	_ = p.command.Process.Signal(os.Interrupt) // it may have exited already
	select {
	case <-p.ended:
	case <-time.After(stopPatience):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// await waits until the URL responds with status 200.
func (p *process) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		select {
		case <-p.ended:
			return fmt.Errorf("%s exited early: %s", p.command.Path, p.lastLine())
		case <-ctx.Done():
			return fmt.Errorf("no successful response from %s: %w", url, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
		if _, err := get(ctx, url); err == nil {
			return nil
		}
	}
}

func (p *process) lastLine() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// get returns the body of a response with status 200. It uses a new connection, so the request is never retried.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
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

// floor starts the bare handler that everything is compared with, with responses of the given size.
func (l *lab) floor(size int) (*system, error) {
	command := exec.Command(l.self, "floor", fmt.Sprint(size)) //nolint:noctx // Stop stops it
	command.Env = cleanEnvironment()
	dieWithParent(command)
	floor, err := measure.StartFloor(command)
	if err != nil {
		return nil, err
	}
	s := &system{urls: floor.Target.URLs, stops: []func(){floor.Stop}}
	s.add(part{name: "floor", pids: floor.Target.PIDs})
	return s, nil
}
