// Package performance measures every target of this project on this machine, and writes docs/performance.md with its plots
// and the figures of README.md from what it measured. The database servers are found or started as the tests do it (package
// engines).
package performance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"superheroes/test/procgroup"
)

// Command is the command line of a report.
type Command struct {
	Quick bool     `help:"Some minutes in place of twenty: few and short runs, whose figures are rough."`
	Only  []string `placeholder:"NAME,…" help:"Only these: ${experiments}."`
	Out   string   `placeholder:"DIR" help:"Folder for performance.md and performance/, by default docs of the sources; the figures of README.md beside it are replaced too."`
	From  string   `placeholder:"FILE" help:"Write the documents from these results, and measure nothing."`
}

// Validate refuses unknown experiments.
func (c *Command) Validate() error {
	for _, name := range c.Only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("--only: there is no %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	return nil
}

// Names returns the experiments.
func Names() []string {
	var all []string
	for _, e := range experiments() {
		all = append(all, e.name)
	}
	return all
}

// Run measures and writes.
func (c *Command) Run(ctx context.Context, k *kong.Kong) error {
	procgroup.DieWithParent()
	results, err := c.results(ctx, k.Stderr)
	if err != nil {
		return err
	}
	out := c.Out
	if out == "" {
		root, err := sources(ctx)
		if err != nil {
			return err
		}
		out = filepath.Join(root, "docs")
	}
	return results.write(out)
}

// results measures, or reads what was measured.
func (c *Command) results(ctx context.Context, progress io.Writer) (*Results, error) {
	if c.From != "" {
		return load(c.From)
	}
	p := full()
	if c.Quick {
		p = quick()
	}
	return runExperiments(ctx, p, c.Only, progress)
}

// runExperiments makes the experiments that are named, all when none is. What can't be measured is noted in the results.
func runExperiments(ctx context.Context, p plan, only []string, progress io.Writer) (*Results, error) {
	begin := time.Now()
	r := &Results{Date: begin.UTC(), Plan: p, Machine: machine(), Meter: meter(), Missing: map[string]string{}}
	l, err := newLab(ctx, p, progress)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := l.close(); err != nil {
			l.say("not all was cleared away: %v", err) // what was measured is good all the same
		}
	}()
	r.Version = l.version(ctx)
	for _, e := range experiments() {
		if len(only) > 0 && !slices.Contains(only, e.name) {
			continue
		}
		started := time.Now()
		if err := e.run(l, ctx, r); err != nil {
			if ctx.Err() != nil {
				return nil, errors.New("interrupted: nothing is written")
			}
			r.Missing[e.name] = err.Error()
			l.say("%s: NOT MEASURED: %v", e.name, err)
		}
		l.say("%s took %.0f s", e.name, time.Since(started).Seconds())
	}
	r.Stores, r.Took = l.stores.names(), time.Since(begin).Seconds()
	return r, nil
}
