// Load is what `make load` runs: the family's load test against the whole system in one process.
//
// For each rate it runs k6/load.js with k6, and compares the fights that k6 got acknowledged with those that the store
// gained. It ends with an error when they differ or a threshold of the script breaks, and draws latency and CPU by rate.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1) //nolint:gocritic // the process ends anyway
	}
}

// settings say what is loaded, and how.
type settings struct {
	program, k6, script, results string
	rates                        []int
	hold, down                   string
}

func parse() (settings, error) {
	var s settings
	var rates string
	flag.StringVar(&s.program, "program", "build/superheroes", "the built superheroes")
	flag.StringVar(&s.k6, "k6", "build/k6", "the built k6")
	flag.StringVar(&s.script, "script", "k6/load.js", "the load script")
	flag.StringVar(&s.results, "results", "results", "folder for summaries and plots")
	flag.StringVar(&rates, "rates", "1,10,50,75,100", "iterations a second, one run each")
	flag.StringVar(&s.hold, "hold", "20s", "how long each rate is held")
	flag.StringVar(&s.down, "down", "5s", "how long it takes to end")
	flag.Parse()
	for text := range strings.SplitSeq(rates, ",") {
		rate, err := strconv.Atoi(text)
		if err != nil || rate < 1 {
			return s, fmt.Errorf("-rates: %q is not a rate", text)
		}
		s.rates = append(s.rates, rate)
	}
	return s, nil
}

func run(ctx context.Context) (err error) {
	s, err := parse()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.results, 0o755); err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "superheroes-load-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	system, err := start(ctx, s.program, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, system.stop()) }()

	var results []result
	var failures []error
	for _, rate := range s.rates {
		measured, failure := measure(ctx, s, system, rate)
		if failure != nil {
			failures = append(failures, fmt.Errorf("rate %d: %w", rate, failure))
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		results = append(results, measured)
	}
	picture := filepath.Join(s.results, "load.svg")
	failures = append(failures, draw(picture, results))
	report(os.Stdout, results)
	fmt.Println("drawn in", picture)
	return errors.Join(failures...)
}

// measure runs one rate. The result is worth showing also when it failed.
func measure(ctx context.Context, s settings, system *system, rate int) (result, error) {
	before, err := system.snapshot(ctx)
	if err != nil {
		return result{Rate: rate}, err
	}
	summary := filepath.Join(s.results, fmt.Sprintf("summary_%d.json", rate))
	if err := os.Remove(summary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return result{Rate: rate}, fmt.Errorf("removing the summary of an earlier run: %w", err)
	}
	k6 := exec.CommandContext(ctx, s.k6, "run", "--quiet", "--address=", s.script) // and no port for its own API
	k6.Env = append(os.Environ(), "K6_HOST="+system.fights, "RESULTS_DIR="+s.results, "K6_NO_USAGE_REPORT=true",
		"RAMPING_RATE="+strconv.Itoa(rate), "HOLD_DURATION="+s.hold, "RAMP_DOWN_DURATION="+s.down)
	k6.Stdout, k6.Stderr = os.Stdout, os.Stderr
	k6.Cancel = func() error { return k6.Process.Signal(syscall.SIGINT) }
	broken := k6.Run()
	measured, err := readSummary(summary, rate)
	if err != nil {
		return measured, errors.Join(broken, err)
	}
	after, err := system.snapshot(ctx)
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
