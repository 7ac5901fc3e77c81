// Package steps runs the checks of a program that tests a whole installation, and prints and counts their results.
package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Step is a check. Its function returns a short summary of what it has observed, or an error.
type Step struct {
	name string
	run  func(ctx context.Context) (string, error)
	gate bool // whether the remaining steps depend on this one
}

// Check returns a step on which no other step depends.
func Check(name string, run func(ctx context.Context) (string, error)) Step {
	return Step{name: name, run: run}
}

// Gate returns a step on which all later steps depend: they only run if it passes.
func Gate(name string, run func(ctx context.Context) (string, error)) Step {
	return Step{name: name, run: run, gate: true}
}

// Skip is an error that states why a check can't run on this machine. It doesn't count as a failure.
type Skip string

func (s Skip) Error() string { return string(s) }

// Possible outcomes of a step. A step's output line starts with its outcome.
const (
	passed  = "PASS"
	failed  = "FAIL"
	skipped = "SKIPPED"
)

// Tally prints and counts the results of steps. Result lines written to the tally, for example by another process, are
// counted as well.
type Tally struct {
	out                     io.Writer
	rest                    []byte // the beginning of a line that is still incomplete
	passed, failed, skipped int
}

// NewTally returns an empty tally that prints to out.
func NewTally(out io.Writer) *Tally { return &Tally{out: out} }

// All runs the steps in order, and reports whether it has run all of them.
func (t *Tally) All(ctx context.Context, steps []Step) bool {
	for _, step := range steps {
		if !t.One(ctx, step) && (step.gate || ctx.Err() != nil) {
			return false
		}
	}
	return true
}

// One runs a step, and reports whether it passed.
func (t *Tally) One(ctx context.Context, step Step) bool {
	begin := time.Now()
	seen, err := step.run(ctx)
	if err != nil {
		t.reject(step.name, err)
		return false
	}
	if seen != "" {
		seen = ": " + seen
	}
	t.line("%s %s (%.1f s)%s", passed, step.name, time.Since(begin).Seconds(), seen)
	return true
}

// reject prints the error of a step that failed, or that can't run.
func (t *Tally) reject(name string, err error) {
	outcome := failed
	if errors.As(err, new(Skip)) {
		outcome = skipped
	}
	t.line("%s %s: %v", outcome, name, err)
}

// Failed returns the number of failed steps.
func (t *Tally) Failed() int { return t.failed }

// Note prints a line that doesn't count as a result.
func (t *Tally) Note(format string, args ...any) { t.line("  "+format, args...) }

func (t *Tally) line(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) }

// Write implements io.Writer.
func (t *Tally) Write(p []byte) (int, error) {
	t.rest = append(t.rest, p...)
	for {
		line, rest, whole := bytes.Cut(t.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		t.count(string(line))
		t.rest = rest
		if _, err := fmt.Fprintf(t.out, "%s\n", line); err != nil {
			return 0, err
		}
	}
}

func (t *Tally) count(line string) {
	switch word, _, _ := strings.Cut(line, " "); word {
	case passed:
		t.passed++
	case failed:
		t.failed++
	case skipped:
		t.skipped++
	}
}

// String returns the summary line.
func (t *Tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

// Finish prints the error with which the program named ended, if any, and the summary line. It returns the exit code,
// which is 0 if at least one step passed and none failed.
func (t *Tally) Finish(name string, err error) int {
	if err != nil {
		t.reject(name, err)
	}
	fmt.Fprintln(t.out, t)
	if t.failed > 0 || t.passed == 0 {
		return 1
	}
	return 0
}

// Poll calls do repeatedly until do succeeds. If do doesn't succeed in time, Poll returns the last two errors.
func Poll(ctx context.Context, within time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var last error
	for {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(last, err)
		}
		last = err
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}
