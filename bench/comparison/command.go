// Package comparison measures members of the family beside each other, and writes docs/comparison.md. A file of the
// user's describes the members, and how to start and stop each of them; the package knows only this project's own.
package comparison

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"

	"superheroes/bench/measure"
	"superheroes/internal/buildinfo"
	"superheroes/test/engines/find"
	"superheroes/test/procgroup"
)

// Command holds the command-line options of the compare command.
type Command struct {
	Members  string `xor:"source" env:"BENCH_MEMBERS" placeholder:"FILE" help:"Members file: what the members are, and how to start and stop them. --template shows the format."`
	From     string `xor:"source" placeholder:"FILE" help:"Write the page from these results without measuring."`
	Template bool   `xor:"source" help:"Print a members file for this project's own variants, to be completed."`
	Out      string `placeholder:"DIR" help:"Folder for comparison.md and comparison/; default: docs in the source tree. The figures in the README.md next to that folder are updated too."`
	Plan     `embed:""`
}

// Plan says how often and how long to measure.
type Plan struct {
	Rounds   int           `json:"rounds" default:"6" help:"Rounds; each starts with another member. Six is the minimum for intervals with a confidence of 97 %."`
	Duration time.Duration `json:"duration" default:"12s" help:"Least measured duration of each run."`
	Warmup   time.Duration `json:"warmup" default:"8s" help:"Warm-up under the same load before each run."`
	Idle     time.Duration `json:"idle" default:"10s" help:"How long to measure a member that was just started and is idle."`
	Least    int           `name:"iterations" json:"iterations" default:"210" help:"Least number of iterations in a run at a fixed rate; the 95th percentile needs 200."`
	Attempts int           `json:"attempts" default:"3" help:"How often to try a run that other processes disturb."`
}

// Validate rejects invalid options.
func (c *Command) Validate() error {
	switch {
	case c.Members == "" && c.From == "" && !c.Template:
		return errors.New("one of --members, --from and --template is required")
	case c.Rounds < 1, c.Attempts < 1:
		return errors.New("--rounds and --attempts must be at least 1")
	case c.Duration <= 0, c.Warmup < 0, c.Idle <= 0:
		return errors.New("--duration and --idle must be more than 0s, --warmup not less")
	}
	return nil
}

// Run measures the members, or reads earlier results, and writes the page.
func (c *Command) Run(ctx context.Context, k *kong.Kong) error {
	if c.Template {
		text, err := templates.ReadFile("members.json")
		if err != nil {
			return err
		}
		_, err = k.Stdout.Write(text)
		return err
	}
	procgroup.DieWithParent()
	out, err := c.folder(ctx)
	if err != nil {
		return err
	}
	if c.From != "" {
		results, err := loadResults(c.From)
		if err != nil {
			return err
		}
		return results.write(out)
	}
	return c.measure(ctx, out, k.Stderr)
}

func (c *Command) folder(ctx context.Context) (string, error) {
	if c.Out != "" {
		return c.Out, nil
	}
	root, err := find.Module(ctx)
	return filepath.Join(root, "docs"), err
}

// measure measures the members and writes the page. If it is interrupted, the page shows the completed runs.
func (c *Command) measure(ctx context.Context, out string, progress io.Writer) error {
	setup, err := readSetup(c.Members)
	if err != nil {
		return measure.Wrong("members", "%w", err)
	}
	begin := time.Now()
	say := func(format string, args ...any) {
		fmt.Fprintf(progress, "%6.0f s  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	}
	keep := func(r *Results) error {
		r.Version, r.Took = buildinfo.Version(""), time.Since(begin).Seconds()
		return r.save(out)
	}
	results, err := measureAll(ctx, setup, c.Plan, say, keep)
	if results == nil {
		return err
	}
	return errors.Join(keep(results), results.write(out), err)
}
