package performance

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"superheroes/bench/measure"
	"superheroes/test/program"
)

// idle measures the CPU time and memory of all processes at the same time, while the processes are idle after a few
// fights.
func (s *setup) idle() error {
	ctx, up, four := s.ctx, s.up(eco), s.four(eco)
	floor := s.floor([]*trial{fights(upEco, up, usual)})
	if s.err != nil {
		return s.err
	}
	for _, of := range []*system{up, four} {
		if err := of.warmUp(); err != nil {
			return err
		}
	}
	measure.Pause(ctx, settle)
	elsewhere := func(p part) bool { return len(p.pids) == 0 }
	watched := slices.DeleteFunc(slices.Concat(up.parts, four.parts, floor.parts), elsewhere)
	s.r.Idle, s.err = s.watchIdle(watched, func() error { measure.Pause(ctx, s.plan.Idle); return nil })
	return s.err
}

// settle is how long background work that was started by fights may take.
const settle = 3 * time.Second

// watchIdle measures the CPU time and memory of the processes during the call of meanwhile.
func (s *setup) watchIdle(processes []part, meanwhile func() error) (idle []Idle, err error) {
	before := make([]time.Duration, len(processes))
	begin := time.Now()
	for i, p := range processes {
		usage, _ := s.procs.Usage(p.pids) // errors are checked in the second reading below
		before[i] = usage.CPU
	}
	if err := meanwhile(); err != nil {
		return nil, err
	}
	for i, p := range processes {
		usage, err := s.procs.Usage(p.pids)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		used := usage.CPU - before[i]
		seconds := time.Since(begin).Seconds()
		idle = append(idle, Idle{
			Name: p.name, CPU: used.Seconds() / seconds, RSS: mib(usage.RSS), PSS: mib(usage.PSS),
			Store: p.store, Seconds: seconds,
		})
		s.say("idle: %s %.4f %% of a core, %.1f MiB", p.name, 100*used.Seconds()/seconds, mib(usage.RSS))
	}
	return idle, s.ctx.Err()
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// The experiment starts the program with new data and with existing data.
const (
	newData      = "new data"
	existingData = "existing data"
)

// start measures the time from process start to the first fight response, alternating between new data, which must be
// created first, and existing data.
func (s *setup) start() error {
	kept, err := os.MkdirTemp(s.dir, "data-")
	if err != nil {
		return err
	}
	if _, err := s.timeStart(kept); err != nil { // creates the data
		return err
	}
	ms := map[string]Figure{}
	for i := range s.plan.Starts {
		fresh, err := os.MkdirTemp(s.dir, "data-")
		if err != nil {
			return err
		}
		for _, kind := range []struct{ name, folder string }{{newData, fresh}, {existingData, kept}} {
			took, err := s.timeStart(kind.folder)
			if err != nil {
				return err
			}
			ms[kind.name] = append(ms[kind.name], float64(took.Microseconds())/1e3)
			s.say("start: %s, run %d: %.1f ms", kind.name, i+1, float64(took.Microseconds())/1e3)
		}
	}
	for _, name := range []string{newData, existingData} {
		s.r.Starts = append(s.r.Starts, Start{name, ms[name]})
	}
	return nil
}

// timeStart starts the program, requests a fight as soon as the program is reachable, and returns how long that took.
func (s *setup) timeStart(folder string) (time.Duration, error) {
	of := s.newSystem()
	defer of.stop()
	env, err := of.upSettings(eco, folder)
	if err != nil {
		return 0, err
	}
	runtime.GC() // so that no garbage collection runs during the measurement
	begin := time.Now()
	p, err := of.launch(upPart, env, s.program, "up")
	if err != nil {
		return 0, err
	}
	for {
		_, err := program.Get(s.ctx, of.urls[measure.Fights]+fightPath)
		took := time.Since(begin)
		switch {
		case err == nil:
			return took, nil
		case took > startPatience || s.ctx.Err() != nil:
			return 0, fmt.Errorf("no fight after %s: %w", took, err)
		}
		select {
		case <-p.Ended():
			return 0, fmt.Errorf("the process exited early: %s", &p.Stderr)
		case <-time.After(300 * time.Microsecond): // polling without a pause would take CPU time from the process
		}
	}
}
