package measure

import (
	"errors"
	"fmt"
	"time"

	"superheroes/bench/energy"
	"superheroes/bench/proc"
)

// Options configures a measurement.
type Options struct {
	Mix     Mix
	Targets []Target // the first is the target, the others are compared with it

	// Rates are in iterations per second, each measured separately. Without any, the closed model applies: each connection
	// starts its next iteration as soon as the last one is done.
	Rates       []float64
	Connections int
	Duration    time.Duration // measured time of each run
	Warmup      time.Duration // before it, under the same load
	Idle        time.Duration // without load, before and after each run
	Timeout     time.Duration // of a request, including connecting
	MaxWait     time.Duration // open model: how long an iteration may wait for a free connection
	Rounds      int           // runs of each target, alternating: A B A B …

	Floor      []string // command line of the floor, to which its size is appended (see ServeFloor); empty: no floor
	FloorProcs int      // GOMAXPROCS of the floor; 0: the same as the target's

	PinTarget, PinSelf []int // cores to pin the target (and the floor) and this process to; empty: unchanged

	// CountCalls counts all system calls of the target's processes, if the kernel permits it. CPU figures then include the
	// overhead.
	CountCalls bool

	RAPL  string       // folder of the energy counters, e.g. energy.Powercap; "": energy is not measured
	Model energy.Model // estimates energy from CPU time

	Version  string                                         // of this program, for the report
	Progress func(what string, passed, total time.Duration) // called several times per second; may be nil

	system proc.FS
	meter  *energy.Meter // nil if not available
}

// UsageError means that a measurement can't be done as requested.
type UsageError struct{ error }

// check rejects invalid options.
func (o *Options) check() error {
	if err := o.wrong(); err != nil {
		return UsageError{err}
	}
	return nil
}

func (o *Options) wrong() error {
	switch {
	case len(o.Mix.turns) == 0:
		return errors.New("missing mix")
	case len(o.Targets) == 0:
		return errors.New("missing target")
	case o.Connections < 1:
		return errors.New("need at least one connection")
	case o.Duration <= 0 || o.Timeout <= 0 || o.Rounds < 1:
		return errors.New("duration, timeout and rounds must be above 0")
	}
	names := map[string]bool{}
	for _, t := range o.Targets {
		if names[t.Name] {
			return fmt.Errorf("duplicate target name %s", t.Name)
		}
		names[t.Name] = true
		if err := t.needs(o.Mix); err != nil {
			return err
		}
	}
	for _, rate := range o.Rates {
		if rate <= 0 || o.MaxWait <= 0 {
			return errors.New("rates, and the time to wait for a free connection, must be above 0")
		}
	}
	return nil
}

// ErrInterrupted means that a run was stopped early.
var ErrInterrupted = errors.New("interrupted")
