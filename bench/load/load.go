// Package load runs the load test of the Super Heroes family against all services in one process. For each rate it runs
// k6/load.js and compares the number of fights acknowledged to k6 with the number added to the store. It fails if the
// two numbers of fights differ or a threshold in the k6 script is exceeded, and it plots latency and CPU time against
// the rate.
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

// Command holds the command-line options of a load test. Paths are relative to the working directory.
type Command struct {
	Program string `default:"build/superheroes" help:"Path of the superheroes binary."`
	K6      string `name:"k6" default:"build/k6" help:"Path of the k6 binary."`
	Script  string `default:"k6/load.js" help:"k6 load script."`
	Results string `default:"results" help:"Folder for summaries and plots."`
	Rates   []int  `default:"1,10,50,75,100" help:"Rates to test, in iterations per second; one run per rate."`
	Hold    string `default:"20s" help:"How long each rate is held."`
	Down    string `default:"5s" help:"Ramp-down time at the end of each run."`
}

// Validate rejects rates below 1.
func (c *Command) Validate() error {
	if slices.ContainsFunc(c.Rates, func(rate int) bool { return rate < 1 }) {
		return errors.New("--rates: must be at least 1")
	}
	return nil
}

// Run runs the load test at each rate in turn. The fight store is empty before the first run.
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
	defer func() { err = errors.Join(err, up.Stop(stopPatience)) }()

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

// measure runs the load test at one rate. Even if the run fails, it returns the figures measured so far.
func (c *Command) measure(ctx context.Context, up *services, rate int) (result, error) {
	stored, err := up.count(ctx)
	if err != nil {
		return result{Rate: rate}, err
	}
	used := up.cpu()
	summary := filepath.Join(c.Results, fmt.Sprintf("summary_%d.json", rate))
	if err := os.Remove(summary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return result{Rate: rate}, fmt.Errorf("removing the summary of an earlier run: %w", err)
	}
	// An empty address disables k6's own API server.
	k6 := exec.CommandContext(ctx, c.K6, "run", "--quiet", "--address=", c.Script)
	k6.Env = append(os.Environ(), "K6_HOST="+up.fights, "RESULTS_DIR="+c.Results, "K6_NO_USAGE_REPORT=true",
		"RAMPING_RATE="+strconv.Itoa(rate), "HOLD_DURATION="+c.Hold, "RAMP_DOWN_DURATION="+c.Down)
	k6.Stdout, k6.Stderr = os.Stdout, os.Stderr
	k6.Cancel = func() error { return k6.Process.Signal(syscall.SIGINT) }
	broken := k6.Run()
	measured, err := readSummary(summary, rate)
	if err != nil {
		return measured, errors.Join(broken, err)
	}
	measured.CPU = up.cpu() - used
	after, err := up.count(ctx)
	if err != nil {
		return measured, errors.Join(broken, err)
	}
	measured.Stored = after - stored
	if broken != nil {
		broken = fmt.Errorf("k6 failed, or a threshold was exceeded (see the output above): %w", broken)
	}
	if measured.Stored != measured.Acknowledged {
		lost := fmt.Errorf("%d fights were acknowledged but %d were stored", measured.Acknowledged, measured.Stored)
		broken = errors.Join(broken, lost)
	}
	return measured, broken
}
