package measure

import (
	"errors"
	"fmt"
	"time"

	"superheroes/bench/energy"
	"superheroes/bench/proc"
)

// Options say what is measured, and how.
type Options struct {
	Mix     Mix
	Targets []Target // the first is the target, the others what it is compared with

	// Rates are iterations a second, each measured by itself; none: the closed model, in which each connection sends its
	// next iteration when the last was answered.
	Rates       []float64
	Connections int
	Duration    time.Duration // measured, of each run
	Warmup      time.Duration // before it, under the same load
	Idle        time.Duration // without load, before and after each run
	Timeout     time.Duration // of a request, with its connection
	MaxWait     time.Duration // longest that an iteration of the open model waits for a free connection
	Rounds      int           // runs of each target, in turn: A B A B …

	Floor      []string // command line of the floor, to which its size is added (see ServeFloor); none: no floor
	FloorProcs int      // GOMAXPROCS of the floor; 0: as the target's

	PinTarget, PinSelf []int // cores of the target (and the floor) and of this process; none: as they are

	// CountCalls counts all system calls of the target's processes, where the kernel lets us. CPU figures then include
	// what that costs.
	CountCalls bool

	RAPL  string       // folder of the energy counters, as energy.Powercap; "": no energy is measured
	Model energy.Model // of energy by CPU time

	Version  string                                         // of this program, for the report
	Progress func(what string, passed, total time.Duration) // told several times a second; may be nil

	system proc.FS
	meter  *energy.Meter // nil where there is none
}

// UsageError is a measurement that can't be made as it was asked for.
type UsageError struct{ error }

// check refuses what makes no sense.
func (o *Options) check() error {
	if err := o.wrong(); err != nil {
		return UsageError{err}
	}
	return nil
}

func (o *Options) wrong() error {
	switch {
	case len(o.Mix.turns) == 0:
		return errors.New("a mix is needed")
	case len(o.Targets) == 0:
		return errors.New("a target is needed")
	case o.Connections < 1:
		return errors.New("at least one connection is needed")
	case o.Duration <= 0 || o.Timeout <= 0 || o.Rounds < 1:
		return errors.New("duration, timeout and rounds must be above 0")
	}
	names := map[string]bool{}
	for _, t := range o.Targets {
		if names[t.Name] {
			return fmt.Errorf("two targets are called %s", t.Name)
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

// ErrInterrupted means that a run was ended before its time.
var ErrInterrupted = errors.New("interrupted")
