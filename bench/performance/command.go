// Package performance measures whether this project meets its performance targets on the current machine. It writes
// docs/performance.md with its plots, and updates the figures in README.md. Like the tests, it uses package engines to
// find or start the database servers.
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

	"superheroes/test/engines/find"

	"github.com/alecthomas/kong"

	"superheroes/test/procgroup"
)

// Command holds the command-line options of the report command.
type Command struct {
	Quick   bool     `help:"Take about 15 minutes instead of 70: fewer and shorter runs with rough figures."`
	Only    []string `placeholder:"NAME,…" help:"Run only these experiments: ${experiments}."`
	Out     string   `placeholder:"DIR" help:"Folder for performance.md and performance/; default: docs in the source tree. The figures in the README.md next to that folder are updated too."`
	Against string   `placeholder:"FILE" help:"Also compare what telemetry costs with this program, such as one that was built before there was telemetry."`
	From    string   `placeholder:"FILE" help:"Write the documents from these results without measuring."`
}

// Validate rejects unknown experiments.
func (c *Command) Validate() error {
	for _, name := range c.Only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("--only: unknown experiment %q; known are %s", name, strings.Join(Names(), ", "))
		}
	}
	return nil
}

// Names returns the names of all experiments.
func Names() []string {
	var all []string
	for _, e := range experiments() {
		all = append(all, e.name)
	}
	return all
}

// Run measures the targets, or reads earlier results, and writes the documents.
func (c *Command) Run(ctx context.Context, k *kong.Kong) error {
	procgroup.DieWithParent()
	results, err := c.results(ctx, k.Stderr)
	if err != nil {
		return err
	}
	out := c.Out
	if out == "" {
		root, err := find.Module(ctx)
		if err != nil {
			return err
		}
		out = filepath.Join(root, "docs")
	}
	return results.write(out)
}

// results runs the experiments or, if --from is set, reads earlier results.
func (c *Command) results(ctx context.Context, progress io.Writer) (*Results, error) {
	if c.From != "" {
		return load(c.From)
	}
	p := full()
	if c.Quick {
		p = quick()
	}
	p.Against = c.Against
	return runExperiments(ctx, p, c.Only, progress)
}

// runExperiments runs the named experiments, or all if none are named. If an experiment can't be measured, the results
// say why.
func runExperiments(ctx context.Context, p plan, only []string, progress io.Writer) (*Results, error) {
	begin := time.Now()
	r := &Results{Date: begin.UTC(), Plan: p, Machine: ThisMachine(), Meter: meter(), Missing: map[string]string{}}
	l, err := newLab(ctx, p, progress)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := l.close(); err != nil {
			l.say("cleanup failed: %v", err) // a failed cleanup doesn't make the results invalid
		}
	}()
	r.Version = l.version(ctx)
	for _, e := range experiments() {
		if len(only) > 0 && !slices.Contains(only, e.name) {
			continue
		}
		started := time.Now()
		s := &setup{lab: l, ctx: ctx, r: r}
		err := e.run(s)
		s.stop()
		if err != nil {
			if ctx.Err() != nil {
				return nil, errors.New("interrupted: nothing was written")
			}
			r.Missing[e.name] = err.Error()
			l.say("%s: NOT MEASURED: %v", e.name, err)
		}
		l.say("%s took %.0f s", e.name, time.Since(started).Seconds())
	}
	r.Stores, r.Took = l.stores.names(), time.Since(begin).Seconds()
	return r, nil
}
