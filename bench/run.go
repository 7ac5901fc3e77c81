package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"superheroes/bench/energy"
	"superheroes/bench/measure"
	"superheroes/internal/buildinfo"
)

// runCommand measures running members. A VOID report is still written, but the exit code is 1.
type runCommand struct {
	Target      string        `env:"BENCH_TARGET" default:"fights=http://localhost:8004,heroes=http://localhost:8001,villains=http://localhost:8002,locations=http://localhost:8003,name=up" help:"Member to measure: one base URL for all services, or fights=URL,heroes=URL,villains=URL,locations=URL; optionally followed by ,name=TEXT ,pid=N ,store-pid=N."`
	Versus      []string      `sep:"none" env:"BENCH_VERSUS" placeholder:"TARGET" help:"Member to compare it with; runs alternate: A B A B …. Same syntax as --target. May be repeated."`
	Mix         string        `env:"BENCH_MIX" default:"execute_fight" help:"What an iteration does: ${mixes}; or several with weights, such as execute_fight:1,random_hero:9."`
	Rate        []float64     `env:"BENCH_RATE" placeholder:"N" help:"Iterations per second, sent on schedule whether or not responses arrive (open model). Several rates, such as 1,10,50,75,100, are run one after the other. Without it, each connection sends as soon as it has its response (closed model)."`
	Connections int           `env:"BENCH_CONNECTIONS" default:"32" help:"Connections to the target."`
	Duration    time.Duration `env:"BENCH_DURATION" default:"10s" help:"Measured duration of each run."`
	Warmup      time.Duration `env:"BENCH_WARMUP" default:"2s" help:"Warm-up time under the same load before each run."`
	Idle        time.Duration `env:"BENCH_IDLE" default:"1s" help:"Time without load before and after each run, to measure idle consumption."`
	Rounds      int           `env:"BENCH_ROUNDS" default:"0" help:"Runs of each target; 0 means 1, or 6 with --versus, the minimum for a 95 % confidence interval."`
	Timeout     time.Duration `env:"BENCH_TIMEOUT" default:"10s" help:"Request timeout."`
	MaxWait     time.Duration `env:"BENCH_MAX_WAIT" default:"1s" help:"In the open model, how long an iteration may wait for a free connection before it is dropped."`
	Pid         []int         `env:"BENCH_PID" placeholder:"N" help:"Process ID of the target; by default found by its ports if it runs on this host. May be repeated."`
	StorePid    []int         `env:"BENCH_STORE_PID" placeholder:"N" help:"Process ID of a database of the target, reported in separate columns. May be repeated."`
	PinTarget   []int         `env:"BENCH_PIN_TARGET" placeholder:"CORE" help:"Cores to pin the target's processes and the floor to, such as 0,1."`
	PinSelf     []int         `env:"BENCH_PIN_SELF" placeholder:"CORE" help:"Cores to pin the load generator to."`
	Floor       bool          `env:"BENCH_FLOOR" default:"true" negatable:"" help:"Also measure a bare net/http handler, before the first round and after each."`
	FloorProcs  int           `env:"BENCH_FLOOR_PROCS" default:"0" help:"GOMAXPROCS of the floor; 0 means the same as the target's."`
	CountCalls  bool          `env:"BENCH_COUNT_CALLS" help:"Count all system calls of the target's processes, which needs root and tracefs and adds slightly to their CPU time. Without it, only read and write calls are reported, from /proc/PID/io."`
	Rapl        string        `env:"BENCH_RAPL" default:"/sys/class/powercap" help:"Folder with the processor's energy counters."`
	Watts       float64       `env:"BENCH_WATTS" default:"2.76" help:"Watts of a busy core above idle, for the energy model."`
	WattsSource string        `env:"BENCH_WATTS_SOURCE" default:"${wattsSource}" help:"Source of --watts, for the report."`
	JSON        bool          `name:"json" env:"BENCH_JSON" help:"Write the report as JSON instead of text."`
	Report      string        `env:"BENCH_REPORT" placeholder:"DIR" help:"Folder for report.txt, report.json and plots as SVG."`
}

// Validate rejects options that can't be measured.
func (c runCommand) Validate() error {
	switch {
	case c.Idle <= 0:
		return wrong("idle", "must be more than 0s: idle consumption is subtracted and reported")
	case c.Duration <= 0:
		return wrong("duration", "must be more than 0s")
	case c.Warmup < 0:
		return wrong("warmup", "must not be below 0s")
	case c.Timeout <= 0:
		return wrong("timeout", "must be more than 0s")
	case c.MaxWait <= 0 && len(c.Rate) > 0:
		return wrong("max-wait", "must be more than 0s")
	case c.Connections < 1:
		return wrong("connections", "must be at least 1")
	case c.Rounds < 0:
		return wrong("rounds", "must not be below 0")
	case slices.ContainsFunc(c.Rate, func(rate float64) bool { return !(rate > 0) }):
		return wrong("rate", "rates must be above 0")
	}
	_, err := c.options()
	return err
}

// wrong returns an error about a flag that also names its environment variable.
func wrong(flag, format string, args ...any) error {
	return fmt.Errorf("--%s, BENCH_%s: %w", flag, strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), fmt.Errorf(format, args...))
}

// Run measures and writes the report.
func (c runCommand) Run(ctx context.Context, k *kong.Kong) error {
	options, err := c.options()
	if err != nil {
		return err
	}
	progress, done := showProgress(k.Stderr)
	options.Progress = progress
	report, err := measure.Members(ctx, options)
	done()
	if err != nil {
		return err
	}
	return errors.Join(c.write(k.Stdout, report), report.Err())
}

func (c runCommand) options() (measure.Options, error) {
	options := measure.Options{
		Rates: c.Rate, Connections: c.Connections, Duration: c.Duration, Warmup: c.Warmup, Idle: c.Idle, Timeout: c.Timeout,
		MaxWait: c.MaxWait, Rounds: c.Rounds, FloorProcs: c.FloorProcs, CountCalls: c.CountCalls, PinTarget: c.PinTarget, PinSelf: c.PinSelf,
		RAPL: c.Rapl, Model: energy.Model{Watts: c.Watts, Source: c.WattsSource}, Version: buildinfo.Version(version),
	}
	var err error
	if options.Mix, err = measure.ParseMix(c.Mix); err != nil {
		return options, wrong("mix", "%w", err)
	}
	for i, text := range append([]string{c.Target}, c.Versus...) {
		flag := "target"
		if i > 0 {
			flag = "versus"
		}
		target, err := measure.ParseTarget(text)
		if err != nil {
			return options, wrong(flag, "%w", err)
		}
		options.Targets = append(options.Targets, target)
	}
	options.Targets[0].PIDs = append(options.Targets[0].PIDs, c.Pid...)
	options.Targets[0].StorePIDs = append(options.Targets[0].StorePIDs, c.StorePid...)
	if c.Rounds == 0 && len(c.Versus) > 0 {
		options.Rounds = roundsToCompare
	} else if c.Rounds == 0 {
		options.Rounds = 1
	}
	if c.Floor {
		self, err := os.Executable()
		if err != nil {
			return options, fmt.Errorf("the floor needs this program's path: %w", err)
		}
		options.Floor = []string{self, "floor"}
	}
	return options, nil
}

// roundsToCompare is the minimum number of rounds for a 95 % confidence interval of the median.
const roundsToCompare = 6

// write writes the report to stdout and, if requested, to its folder.
func (c runCommand) write(stdout io.Writer, report *measure.Report) error {
	write := report.Text
	if c.JSON {
		write = report.JSON
	}
	if err := write(stdout); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if c.Report == "" {
		return nil
	}
	return report.Save(c.Report)
}

// showProgress returns a function that shows the progress of a run on the terminal, or nil if stderr isn't one, and a
// function that clears it.
func showProgress(stderr io.Writer) (show func(string, time.Duration, time.Duration), done func()) {
	terminal, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	shown := ""
	done = func() {
		if bar != nil {
			_ = bar.Clear() // progress is best effort
		}
	}
	show = func(what string, passed, total time.Duration) {
		if what != shown {
			done()
			shown = what
			bar = progressbar.NewOptions64(int64(total), progressbar.OptionSetWriter(terminal), progressbar.OptionSetDescription(what),
				progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
		}
		_ = bar.Set64(int64(min(passed, total))) // likewise
	}
	return show, done
}
