package measure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"superheroes/bench/energy"
	"superheroes/bench/proc"
)

// Options configures a measurement. Fields with an env tag are also command-line flags.
type Options struct {
	Mix     Mix          `kong:"-"`
	Targets []Target     `kong:"-"` // members to measure; the first is the reference for comparisons
	Floor   []string     `kong:"-"` // floor server command, without its last argument, the response size; may be empty
	Model   energy.Model `kong:"-"` // estimates energy from CPU time
	Version string       `kong:"-"` // version of this program, for the report

	Progress func(what string, passed, total time.Duration) `kong:"-"` // called about twice per second; may be nil

	Rates       []float64     `name:"rate" env:"BENCH_RATE" placeholder:"N" help:"Iterations per second, started on schedule even if earlier ones are still running (open model). Multiple rates, such as 1,10,50,75,100, are measured one after another. Without this flag, each connection starts an iteration as soon as the previous one has completed (closed model)."`
	Connections int           `env:"BENCH_CONNECTIONS" default:"32" help:"Connections to the target."`
	Duration    time.Duration `env:"BENCH_DURATION" default:"10s" help:"Measured duration of each run."`
	Warmup      time.Duration `env:"BENCH_WARMUP" default:"2s" help:"Warm-up time under the same load before each run."`
	Idle        time.Duration `env:"BENCH_IDLE" default:"1s" help:"How long to measure idle consumption before and after each run."`
	Rounds      int           `env:"BENCH_ROUNDS" default:"0" help:"Runs of each target; 0 means 1, or 6 with --versus, the minimum for a 95 % confidence interval."`
	Timeout     time.Duration `env:"BENCH_TIMEOUT" default:"10s" help:"Request timeout."`
	MaxWait     time.Duration `env:"BENCH_MAX_WAIT" default:"1s" help:"In the open model, how long an iteration may wait for a free connection before it is dropped."`
	PinTarget   []int         `env:"BENCH_PIN_TARGET" placeholder:"CORE" help:"Cores to pin the target's processes and the floor server to, such as 0,1."`
	PinSelf     []int         `env:"BENCH_PIN_SELF" placeholder:"CORE" help:"Cores to pin the load generator to."`
	FloorProcs  int           `env:"BENCH_FLOOR_PROCS" default:"0" help:"GOMAXPROCS of the floor server; 0 means the same as the target's."`
	CountCalls  bool          `env:"BENCH_COUNT_CALLS" help:"Count all system calls of the target's processes, which needs root and tracefs and adds slightly to their CPU time. Without this flag, only read and write calls are reported, from /proc/PID/io."`
	RAPL        string        `name:"rapl" env:"BENCH_RAPL" default:"/sys/class/powercap" help:"Folder with the processor's energy counters."`

	system proc.FS
	meter  *energy.Meter // nil if not available
}

// UsageError means that the options are invalid or can't be satisfied on this machine.
type UsageError struct{ error }

// Wrong returns a UsageError that names a flag and its environment variable.
func Wrong(flag, format string, args ...any) error {
	variable := "BENCH_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
	return UsageError{fmt.Errorf("--%s, %s: %w", flag, variable, fmt.Errorf(format, args...))}
}

// Check rejects invalid options.
func (o *Options) Check() error {
	switch {
	case o.Duration <= 0:
		return Wrong("duration", "must be more than 0s")
	case o.Warmup < 0:
		return Wrong("warmup", "must not be below 0s")
	case o.Timeout <= 0:
		return Wrong("timeout", "must be more than 0s")
	case o.MaxWait <= 0 && len(o.Rates) > 0:
		return Wrong("max-wait", "must be more than 0s")
	case o.Connections < 1:
		return Wrong("connections", "must be at least 1")
	case o.Rounds < 1:
		return Wrong("rounds", "must not be below 0")
	case slices.ContainsFunc(o.Rates, func(rate float64) bool { return !(rate > 0) }):
		return Wrong("rate", "rates must be above 0")
	}
	names := map[string]bool{floorName: len(o.Floor) > 0}
	for _, t := range o.Targets {
		if names[t.Name] {
			return UsageError{fmt.Errorf("duplicate target name %s", t.Name)}
		}
		names[t.Name] = true
		if err := t.needs(o.Mix); err != nil {
			return UsageError{err}
		}
	}
	return nil
}

// ErrInterrupted means that a measurement was stopped early.
var ErrInterrupted = errors.New("interrupted")
