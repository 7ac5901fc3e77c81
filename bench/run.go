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

// runCommand measures running members. A report that is VOID is still written, and ends with exit code 1.
type runCommand struct {
	Target      string        `env:"BENCH_TARGET" default:"fights=http://localhost:8004,heroes=http://localhost:8001,villains=http://localhost:8002,locations=http://localhost:8003,name=up" help:"Member to measure: the base URL of whatever the mix asks, or fights=URL,heroes=URL,villains=URL,locations=URL, each with ,name=TEXT ,pid=N ,store-pid=N where wanted."`
	Versus      []string      `sep:"none" env:"BENCH_VERSUS" placeholder:"TARGET" help:"Member to compare it with, in turn: A B A B …; same syntax as the target. May be given several times."`
	Mix         string        `env:"BENCH_MIX" default:"execute_fight" help:"What an iteration does: ${mixes}; several with weights as in execute_fight:1,random_hero:9."`
	Rate        []float64     `env:"BENCH_RATE" placeholder:"N" help:"Iterations per second, sent on schedule whether or not answers arrive (open model); several, such as 1,10,50,75,100, run one after the other. Without it each connection sends when it has its answer (closed model)."`
	Connections int           `env:"BENCH_CONNECTIONS" default:"32" help:"Connections to the target."`
	Duration    time.Duration `env:"BENCH_DURATION" default:"10s" help:"Measured time of each run."`
	Warmup      time.Duration `env:"BENCH_WARMUP" default:"2s" help:"Warm-up time under the same load before each run."`
	Idle        time.Duration `env:"BENCH_IDLE" default:"1s" help:"Time without load before and after each run, in which idle work is measured."`
	Rounds      int           `env:"BENCH_ROUNDS" default:"0" help:"Runs of each target; 0 means 1, or 6 with --versus, the fewest that give a 95 % interval."`
	Timeout     time.Duration `env:"BENCH_TIMEOUT" default:"10s" help:"Time limit for a request."`
	MaxWait     time.Duration `env:"BENCH_MAX_WAIT" default:"1s" help:"Time an iteration of the open model may wait for a free connection before it is dropped."`
	Pid         []int         `env:"BENCH_PID" placeholder:"N" help:"Process of the target; found by its ports when it runs on this host. May be given several times."`
	StorePid    []int         `env:"BENCH_STORE_PID" placeholder:"N" help:"Process of the target's databases, for columns of their own. May be given several times."`
	PinTarget   []int         `env:"BENCH_PIN_TARGET" placeholder:"CORE" help:"Cores for the processes of the targets and the floor, as in 0,1."`
	PinSelf     []int         `env:"BENCH_PIN_SELF" placeholder:"CORE" help:"Cores for the load generator."`
	Floor       bool          `env:"BENCH_FLOOR" default:"true" negatable:"" help:"Also measure a bare net/http handler, before the first round and after each."`
	FloorProcs  int           `env:"BENCH_FLOOR_PROCS" default:"0" help:"GOMAXPROCS of that handler; 0 means the same as the target's."`
	CountCalls  bool          `env:"BENCH_COUNT_CALLS" help:"Count all system calls of the target's processes, which needs root and tracefs, and adds a little to their CPU time. Without it, only read and write calls are reported, from /proc/PID/io."`
	Rapl        string        `env:"BENCH_RAPL" default:"/sys/class/powercap" help:"Folder of the processor's energy counters."`
	Watts       float64       `env:"BENCH_WATTS" default:"2.76" help:"Watts of a busy core above idle, for the energy model."`
	WattsSource string        `env:"BENCH_WATTS_SOURCE" default:"${wattsSource}" help:"Where these watts come from, for the report."`
	JSON        bool          `name:"json" env:"BENCH_JSON" help:"Write the report as JSON instead of text."`
	Report      string        `env:"BENCH_REPORT" placeholder:"DIR" help:"Folder for report.txt, report.json and plots as SVG."`
}

// Validate refuses what can't be measured.
func (c runCommand) Validate() error {
	switch {
	case c.Idle <= 0:
		return wrong("idle", "must be more than 0s: what is done without load is subtracted and shown")
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

// wrong returns an error about a flag, which names its variable too.
func wrong(flag, format string, args ...any) error {
	return fmt.Errorf("--%s, BENCH_%s: %w", flag, strings.ToUpper(strings.ReplaceAll(flag, "-", "_")), fmt.Errorf(format, args...))
}

// Run measures, and writes the report.
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

// roundsToCompare are the fewest whose interval of the median has a confidence of 95 %.
const roundsToCompare = 6

// write writes the report to stdout, and to its folder.
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

// showProgress returns what shows on a terminal how far a run is, nil if stderr is none, and what clears that away.
func showProgress(stderr io.Writer) (show func(string, time.Duration, time.Duration), done func()) {
	terminal, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	shown := ""
	done = func() {
		if bar != nil {
			_ = bar.Clear() // a bar that fails is not drawn
		}
	}
	show = func(what string, passed, total time.Duration) {
		if what != shown {
			done()
			shown = what
			bar = progressbar.NewOptions64(int64(total), progressbar.OptionSetWriter(terminal), progressbar.OptionSetDescription(what),
				progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
		}
		_ = bar.Set64(int64(min(passed, total))) // the same
	}
	return show, done
}
