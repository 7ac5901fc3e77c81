// Package load runs the family's load test against all services in one process: for each rate it runs k6/load.js with k6, and
// compares the fights that k6 got acknowledged with those that the store gained. It fails when they differ or a threshold of
// the script breaks, and draws latency and CPU by rate.
package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"
)

// Command is the command line of a load test. Paths are relative to the working directory.
type Command struct {
	Program string `default:"build/superheroes" help:"The built superheroes."`
	K6      string `name:"k6" default:"build/k6" help:"The built k6."`
	Script  string `default:"k6/load.js" help:"The load script."`
	Results string `default:"results" help:"Folder for summaries and plots."`
	Rates   []int  `default:"1,10,50,75,100" help:"Iterations per second, one run each."`
	Hold    string `default:"20s" help:"How long each rate is held."`
	Down    string `default:"5s" help:"How long a run takes to end."`
}

// Validate refuses rates that are none.
func (c *Command) Validate() error {
	if slices.ContainsFunc(c.Rates, func(rate int) bool { return rate < 1 }) {
		return errors.New("--rates: must be at least 1")
	}
	return nil
}

// Run runs the rates one after the other on a store that is empty at first.
func (c *Command) Run(ctx context.Context, k *kong.Kong) (err error) {
	if err := os.MkdirAll(c.Results, 0o755); err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "superheroes-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	up, err := start(ctx, c.Program, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, up.stop()) }()

	var results []result
	var failures []error
	for _, rate := range c.Rates {
		measured, failure := c.measure(ctx, up, rate)
		if failure != nil {
			failures = append(failures, fmt.Errorf("rate %d: %w", rate, failure))
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		results = append(results, measured)
	}
	failures = append(failures, draw(c.Results, results))
	report(k.Stdout, results)
	return errors.Join(failures...)
}

// measure runs one rate. The result is worth showing also when it failed.
func (c *Command) measure(ctx context.Context, up *services, rate int) (result, error) {
	before, err := up.snapshot(ctx)
	if err != nil {
		return result{Rate: rate}, err
	}
	summary := filepath.Join(c.Results, fmt.Sprintf("summary_%d.json", rate))
	if err := os.Remove(summary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return result{Rate: rate}, fmt.Errorf("removing the summary of an earlier run: %w", err)
	}
	k6 := exec.CommandContext(ctx, c.K6, "run", "--quiet", "--address=", c.Script) // and no port for its own API
	k6.Env = append(os.Environ(), "K6_HOST="+up.fights, "RESULTS_DIR="+c.Results, "K6_NO_USAGE_REPORT=true",
		"RAMPING_RATE="+strconv.Itoa(rate), "HOLD_DURATION="+c.Hold, "RAMP_DOWN_DURATION="+c.Down)
	k6.Stdout, k6.Stderr = os.Stdout, os.Stderr
	k6.Cancel = func() error { return k6.Process.Signal(syscall.SIGINT) }
	broken := k6.Run()
	measured, err := readSummary(summary, rate)
	if err != nil {
		return measured, errors.Join(broken, err)
	}
	after, err := up.snapshot(ctx)
	if err != nil {
		return measured, errors.Join(broken, err)
	}
	measured.Stored = after.fights - before.fights
	measured.CPU = after.cpu - before.cpu
	if broken != nil {
		broken = fmt.Errorf("k6 failed, or says above which threshold broke: %w", broken)
	}
	if measured.Stored != measured.Acknowledged {
		broken = errors.Join(broken, fmt.Errorf("%d fights were acknowledged and %d stored", measured.Acknowledged, measured.Stored))
	}
	return measured, broken
}
