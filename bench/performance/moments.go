package performance

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"superheroes/bench/measure"
	"superheroes/test/program"
)

// idle measures processes that receive no more requests after a few fights, all at the same time.
func (l *lab) idle(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	up, four := s.up(eco), s.four(eco)
	floor := s.fightFloor(up)
	if s.err != nil {
		return s.err
	}
	for _, of := range []*system{up, four} {
		for range 20 {
			if _, err := program.Get(ctx, of.urls[measure.Fights]+fightPath); err != nil {
				return err
			}
		}
	}
	pause(ctx, 3*time.Second) // let background work started by the fights finish
	watched := slices.Concat(up.parts, four.parts, floor.parts)
	before := map[string]time.Duration{}
	begin := time.Now()
	for _, p := range watched {
		usage, _ := l.procs.Usage(p.pids) // read again below, where the error is checked
		before[p.name] = usage.CPU
	}
	pause(ctx, l.plan.Idle)
	for _, p := range watched {
		if len(p.pids) == 0 {
			continue
		}
		usage, err := l.procs.Usage(p.pids)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		used := usage.CPU - before[p.name]
		seconds := time.Since(begin).Seconds()
		r.Idle = append(r.Idle, Idle{
			Name: p.name, CPU: used.Seconds() / seconds, RSS: mib(usage.RSS), PSS: mib(usage.PSS), Store: p.store, Seconds: seconds,
		})
		l.say("idle: %s %.4f %% of a core, %.1f MiB", p.name, 100*used.Seconds()/seconds, mib(usage.RSS))
	}
	return ctx.Err()
}

const fightPath = "/api/fights/execute_fight"

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// The two kinds of start.
const (
	newData      = "new data"
	existingData = "existing data"
)

// start measures the time from the start of the process to the response of the first fight, alternating between new data, which
// has to be created, and existing data.
func (l *lab) start(ctx context.Context, r *Results) error {
	kept, err := os.MkdirTemp(l.dir, "data-")
	if err != nil {
		return err
	}
	if _, err := l.timeStart(ctx, kept); err != nil { // creates the data
		return err
	}
	ms := map[string]Figure{}
	for i := range l.plan.Starts {
		fresh, err := os.MkdirTemp(l.dir, "data-")
		if err != nil {
			return err
		}
		for _, kind := range []struct{ name, folder string }{{newData, fresh}, {existingData, kept}} {
			took, err := l.timeStart(ctx, kind.folder)
			if err != nil {
				return err
			}
			ms[kind.name] = append(ms[kind.name], float64(took.Microseconds())/1e3)
			l.say("start: %s, run %d: %.1f ms", kind.name, i+1, float64(took.Microseconds())/1e3)
		}
	}
	for _, name := range []string{newData, existingData} {
		r.Starts = append(r.Starts, Start{name, ms[name]})
	}
	return nil
}

// timeStart starts the program and requests a fight as soon as it is reachable.
func (l *lab) timeStart(ctx context.Context, folder string) (time.Duration, error) {
	s := &system{urls: map[measure.Service]string{}}
	defer s.stop()
	env, err := s.upSettings(eco, folder)
	if err != nil {
		return 0, err
	}
	runtime.GC() // so that it doesn't run while the clock does
	begin := time.Now()
	p, err := s.launch("up", env, l.program, "up")
	if err != nil {
		return 0, err
	}
	for {
		_, err := program.Get(ctx, s.urls[measure.Fights]+fightPath)
		took := time.Since(begin)
		switch {
		case err == nil:
			return took, nil
		case took > startPatience || ctx.Err() != nil:
			return 0, fmt.Errorf("no fight after %s: %w", took, err)
		}
		select {
		case <-p.Ended():
			return 0, fmt.Errorf("the process exited early: %s", &p.Stderr)
		case <-time.After(300 * time.Microsecond): // polling without a pause would take CPU time from the process
		}
	}
}
