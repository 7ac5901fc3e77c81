package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"superheroes/test/procgroup"
	"superheroes/test/program"
)

// stopPatience is how long a command has to exit after a signal before it is killed.
const stopPatience = 30 * time.Second

// runner runs the commands of documents in a folder and counts the results.
type runner struct {
	dir                  string
	out                  io.Writer
	patience             time.Duration // for each command
	background           []*process
	ran, skipped, failed int
}

// document runs the steps in order, then stops the background commands.
func (r *runner) document(ctx context.Context, steps []step) {
	for _, s := range steps {
		if ctx.Err() != nil {
			break
		}
		r.step(ctx, s)
	}
	r.stop()
}

func (r *runner) step(ctx context.Context, s step) {
	if s.mode == modeStop {
		r.stop()
		return
	}
	fmt.Fprintf(r.out, "%s  %s\n", s.place, strings.ReplaceAll(s.script, "\n", "\n    "))
	if s.mode == modeSkip {
		r.skipped++
		fmt.Fprintf(r.out, "    SKIPPED: %s\n", s.reason)
		return
	}
	r.ran++
	begin := time.Now()
	do := r.foreground
	if s.mode == modeBackground {
		do = r.start
	}
	output, err := do(ctx, s)
	took := time.Since(begin).Round(10 * time.Millisecond)
	if err != nil {
		r.failed++
		fmt.Fprintf(r.out, "    FAILED after %v: %v\n%s\n", took, err, lastLines(output, 40))
		return
	}
	fmt.Fprintf(r.out, "    ok, %v\n", took)
}

// foreground runs a command to completion and returns its output.
func (r *runner) foreground(ctx context.Context, s step) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	running, err := r.launch(ctx, s)
	if err != nil {
		return "", err
	}
	<-running.ended
	output := running.output.String()
	switch {
	case ctx.Err() != nil:
		return output, fmt.Errorf("the command did not finish in time: %w", ctx.Err())
	case s.void && running.err != nil && strings.Contains(output, "VOID"):
		return output, nil
	case s.fails && running.err == nil:
		return output, errors.New("the command did not fail")
	case !s.fails && running.err != nil:
		return output, running.err
	case !strings.Contains(output, s.expect):
		return output, fmt.Errorf("the output does not contain %s", s.expect)
	}
	return output, nil
}

// start starts a background command, and waits until its URL responds.
func (r *runner) start(ctx context.Context, s step) (string, error) {
	if answers(ctx, s.wait) {
		return "", fmt.Errorf("%s responds before the command is started: the port is in use", s.wait)
	}
	running, err := r.launch(context.WithoutCancel(ctx), s) // ended by stop
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	if err := running.waitFor(ctx, s.wait); err != nil {
		running.stop()
		return running.output.String(), err
	}
	r.background = append(r.background, running)
	return "", nil
}

// stop stops the background commands. A command that has already exited counts as failed.
func (r *runner) stop() {
	for _, running := range r.background {
		select {
		case <-running.ended:
			r.failed++
			fmt.Fprintf(r.out, "%s  FAILED: the command exited too early: %v\n%s\n", running.place, running.err, lastLines(running.output.String(), 40))
		default:
			running.stop()
		}
	}
	r.background = nil
}

// process is a running background or foreground command.
type process struct {
	place     string
	output    program.Output
	interrupt context.CancelFunc
	ended     chan struct{}
	err       error // after ended
}

func (p *process) stop() {
	p.interrupt()
	<-p.ended
}

// waitFor waits until the URL returns 200.
func (p *process) waitFor(ctx context.Context, url string) error {
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for !answers(ctx, url) {
		select {
		case <-every.C:
		case <-p.ended:
			return errors.Join(errors.New("the command has exited"), p.err)
		case <-ctx.Done():
			return fmt.Errorf("%s does not return 200: %w", url, ctx.Err())
		}
	}
	return nil
}

// answers reports whether a GET request for the URL returns 200.
func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// launch starts a command in its own process group. When ctx is done, the group is signalled to exit and later killed.
func (r *runner) launch(ctx context.Context, s step) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	running := &process{place: s.place, interrupt: cancel, ended: make(chan struct{})}
	command := exec.CommandContext(ctx, "sh", "-e", "-c", s.script)
	command.Dir = r.dir
	command.Env = append(command.Environ(), "PATH="+filepath.Join(r.dir, "build")+string(filepath.ListSeparator)+os.Getenv("PATH"))
	command.Stdout, command.Stderr = &running.output, &running.output
	command.WaitDelay = stopPatience
	procgroup.Lead(command)
	if err := command.Start(); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(running.ended)
		defer cancel()
		running.err = command.Wait()
		procgroup.End(command)
	}()
	return running, nil
}

func lastLines(text string, most int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
