package comparison

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"superheroes/bench/measure"
	"superheroes/test/procgroup"
	"superheroes/test/program"
)

const (
	readyPatience  = 2 * time.Minute
	scriptPatience = time.Minute
	stopPatience   = 20 * time.Second
)

// process is a running member.
type process struct {
	Runner
	target  measure.Target
	stores  map[int]Store // by process ID
	command *exec.Cmd     // the start script; nil if the member was running already
	output  *os.File      // of the start script and its processes
	ended   chan error    // receives the result of the start script
	alive   *os.File      // a pipe whose other end is open in every process of the start script
}

// start runs the member's start script, and waits until the member is ready. The caller must call stop.
func (s Setup) start(ctx context.Context, m Runner) (*process, error) {
	p := &process{Runner: m, stores: map[int]Store{}, ended: make(chan error, 1)}
	var err error
	if p.target, err = m.target(); err == nil {
		err = p.launch(ctx)
	}
	if err == nil {
		err = p.ready(ctx)
	}
	if err == nil {
		err = p.find(ctx, s)
	}
	if err != nil {
		err = fmt.Errorf("%w%s", err, p.tail())
		p.stop()
		return nil, err
	}
	return p, nil
}

// launch runs the start script in a process group of its own, so that an interrupt from the terminal stops the
// measurement before it stops the member.
func (p *process) launch(ctx context.Context) (err error) {
	if len(p.Start) == 0 {
		return nil
	}
	if p.offers(ctx, fightersPath) == nil {
		return fmt.Errorf("another process already answers at %s; stop it first", p.target.URL(measure.Fights))
	}
	if p.output, err = os.CreateTemp("", "superheroes-member-"); err != nil {
		return err
	}
	alive, open, err := os.Pipe()
	if err != nil {
		return err
	}
	defer open.Close() //nolint:errcheck // nothing was written
	command := exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", p.Start.String())
	command.Stdout, command.Stderr, command.ExtraFiles = p.output, p.output, []*os.File{open}
	procgroup.Lead(command)
	if err := command.Start(); err != nil {
		return errors.Join(err, alive.Close())
	}
	p.command, p.alive = command, alive
	go func() { p.ended <- command.Wait() }()
	return nil
}

// ready waits until the member has two fighters and a location to offer that are no fallbacks.
func (p *process) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyPatience, fmt.Errorf("not ready after %s", readyPatience))
	defer cancel()
	for ended := p.ended; ; {
		last := errors.Join(p.offers(ctx, fightersPath), p.offers(ctx, "/api/fights/randomlocation"))
		if last == nil {
			return nil
		}
		select {
		case err := <-ended:
			if err != nil {
				return fmt.Errorf("the start script ended before the member was ready: %w", err)
			}
			ended = nil // the script may leave processes running, for the stop script to stop
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), last)
		case <-time.After(readyInterval):
		}
	}
}

const fightersPath = "/api/fights/randomfighters"

// readyInterval is the time between two attempts.
const readyInterval = 200 * time.Millisecond

func (p *process) offers(ctx context.Context, path string) error {
	body, err := program.Get(ctx, p.target.URL(measure.Fights)+path)
	if err == nil && bytes.Contains(bytes.ToLower(body), []byte("fallback")) {
		err = fmt.Errorf("%s returned a fallback", path)
	}
	return err
}

// find runs the scripts that print the processes of the member and its stores.
func (p *process) find(ctx context.Context, s Setup) (err error) {
	if len(p.Processes) > 0 {
		if p.target.PIDs, err = p.Processes.pids(ctx); err != nil {
			return fmt.Errorf("processes: %w", err)
		}
	}
	for _, name := range p.Stores {
		store, err := s.store(name)
		if err != nil {
			return err
		}
		pids, err := store.Processes.pids(ctx)
		if err != nil {
			return fmt.Errorf("processes of %s: %w", name, err)
		}
		p.target.StorePIDs = append(p.target.StorePIDs, pids...)
		for _, pid := range pids {
			p.stores[pid] = store
		}
	}
	return nil
}

// pids runs a script that prints process IDs.
func (s script) pids(ctx context.Context) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, scriptPatience)
	defer cancel()
	output, err := exec.CommandContext(ctx, "sh", "-c", s.String()).Output()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", s, err)
	}
	var pids []int
	for word := range strings.FieldsSeq(string(output)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("%q printed %q instead of process IDs", s, output)
		}
		pids = append(pids, pid)
	}
	if len(pids) == 0 {
		return nil, fmt.Errorf("%q printed no process ID", s)
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// stop runs the member's stop script and stops all processes of its start script.
func (p *process) stop() {
	if len(p.Stop) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
		_ = exec.CommandContext(ctx, "sh", "-c", p.Stop.String()).Run() // a member that still runs fails when it is started again
		cancel()
	}
	if p.command != nil {
		p.end()
	}
	if p.output != nil {
		_ = p.output.Close()
		_ = os.Remove(p.output.Name())
	}
}

// end asks all processes of the start script to exit, waits until they have, and kills those that take too long. An
// error means that there is none left to ask or to wait for. A process that exits closes its files one after the other,
// so end also waits until the member no longer answers.
func (p *process) end() {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	_ = p.command.Cancel()
	_ = p.alive.SetReadDeadline(time.Now().Add(stopPatience))
	_, _ = p.alive.Read(make([]byte, 1))
	procgroup.End(p.command)
	_ = p.alive.Close()
	for p.offers(ctx, fightersPath) == nil {
		time.Sleep(stopInterval)
	}
}

// stopInterval is the time between two checks whether a member has stopped.
const stopInterval = 10 * time.Millisecond

// tail returns the end of the member's output, for error messages.
func (p *process) tail() string {
	if p.output == nil {
		return ""
	}
	const size = 2000
	info, err := p.output.Stat()
	if err != nil || info.Size() == 0 {
		return ""
	}
	text, _ := io.ReadAll(io.NewSectionReader(p.output, max(0, info.Size()-size), size)) // as much as can be read
	return "; its output ends with:\n" + string(text)
}
