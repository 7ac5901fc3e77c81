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

// process is a running program of ours.
type process struct {
	command *exec.Cmd
	log     string // file of what it writes
	ended   chan struct{}
}

// launch starts a program with no variable of the user's that it could read. What it writes lies in a file.
func (l *lab) launch(name string, env []string, line ...string) (*process, error) {
	log, err := os.CreateTemp(l.dir, name+"-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()            // the process has its own descriptor
	command := exec.Command(line[0], line[1:]...) //nolint:noctx // stop ends it, in good order
	command.Stdout, command.Stderr = log, log
	command.Env = append(cleanEnvironment(), env...)
	dieWithParent(command)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	p := &process{command, log.Name(), make(chan struct{})}
	go func() {
		_ = command.Wait() // how it ended is in its log
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

// stop asks the process to end, and ends it when it does not.
func (p *process) stop() {
	_ = p.command.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(stopPatience):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// await waits until the URL answers 200.
func (p *process) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended at once: %s", p.command.Path, p.lastLine())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", url, ctx.Err())
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

// get returns the body of an answer with 200. It has a connection of its own, so that nothing is ever sent twice.
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
		return nil, fmt.Errorf("%s answered %s: %.200s", url, response.Status, body)
	}
	return body, nil
}

// floor starts the bare handler that everything is compared with, with answers of so many bytes.
func (l *lab) floor(size int) (*system, error) {
	command := exec.Command(l.self, "floor", fmt.Sprint(size)) //nolint:noctx // stop ends it
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
