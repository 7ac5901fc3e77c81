package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// step is one check. Its run function returns a short summary of what it has observed, or an error. An error of type
// skip doesn't count as a failure.
type step struct {
	name string
	run  func(ctx context.Context) (string, error)
	gate bool // whether the remaining steps depend on this one
}

// skip is an error that states why a check can't run on this machine.
type skip string

func (s skip) Error() string { return string(s) }

// Possible outcomes of a step. A step's output line starts with its outcome.
const (
	passed  = "PASS"
	failed  = "FAIL"
	skipped = "SKIPPED"
)

// tally prints and counts the results of steps. Result lines written to the tally, for example by another process, are
// counted as well.
type tally struct {
	out                     io.Writer
	rest                    []byte // the beginning of a line that is still incomplete
	passed, failed, skipped int
}

// all runs the steps in order, and reports whether it has run all of them.
func (t *tally) all(ctx context.Context, steps []step) bool {
	for _, step := range steps {
		if !t.one(ctx, step) && (step.gate || ctx.Err() != nil) {
			return false
		}
	}
	return true
}

func (t *tally) one(ctx context.Context, step step) bool {
	begin := time.Now()
	seen, err := step.run(ctx)
	if reason := new(skip); errors.As(err, reason) {
		t.skip(step.name, *reason)
		return true
	}
	if err != nil {
		t.fail(step.name, err)
		return false
	}
	if seen != "" {
		seen = ": " + seen
	}
	t.line("%s %s (%.1f s)%s", passed, step.name, time.Since(begin).Seconds(), seen)
	return true
}

func (t *tally) fail(name string, err error) { t.line("%s %s: %v", failed, name, err) }

func (t *tally) skip(name string, reason skip) { t.line("%s %s: %s", skipped, name, reason) }

// note prints a line that doesn't count as a result.
func (t *tally) note(format string, args ...any) { t.line("  "+format, args...) }

func (t *tally) line(format string, args ...any) { _, _ = fmt.Fprintf(t, format+"\n", args...) }

// Write implements io.Writer.
func (t *tally) Write(p []byte) (int, error) {
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

func (t *tally) count(line string) {
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
func (t *tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}
