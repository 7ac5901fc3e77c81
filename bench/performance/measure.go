package performance

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"superheroes/bench/energy"
	"superheroes/bench/measure"
	"superheroes/bench/page"
	"superheroes/test/program"
)

var (
	errNotMeasured = errors.New("not measured")
	errVoid        = errors.New("VOID")
)

// trial is a measurement in progress, which fills one cell of the results.
type trial struct {
	Cell
	of       *system
	fresh    func() *system // if set, starts a new system for each run, instead of using the field "of"
	warmup   time.Duration  // minimum warm-up
	rounds   int            // number of valid runs; 0: as many as the others
	measured time.Duration  // length of each run; 0: as in the plan
	idle     bool           // whether to measure the idle system as well
	scrape   time.Duration  // interval at which the metrics are read; 0: never
	count    bool           // whether to count all system calls, which makes each one slower
}

const floorMix = "livez" // a single GET whose response body isn't checked

// floorCell returns the name of the floor server's cell at the given number of connections.
func floorCell(connections int) string { return atConnections("floor", connections) }

// floorTrial returns a trial of the floor server at the given number of connections.
func floorTrial(name string, connections int) *trial {
	return &trial{Cell: Cell{Name: name, Mix: floorMix, Connections: connections}}
}

func (t *trial) isFloor() bool { return t.Mix == floorMix }

// series measures the trials and adds the series to the results. Before the first trial that is compared with a given
// floor server, it inserts a trial of that floor server under the same load.
func (s *setup) series(name string, trials ...*trial) error {
	of := s.floor(trials)
	if s.err != nil {
		return s.err
	}
	var all []*trial
	for _, t := range trials {
		known := func(other *trial) bool { return other.Name == t.Floor }
		if t.Floor != "" && !slices.ContainsFunc(all, known) {
			floor := floorTrial(t.Floor, t.Connections)
			floor.Rate, floor.rounds, floor.measured, floor.idle = t.Rate, t.rounds, t.measured, t.idle
			all = append(all, floor)
		}
		all = append(all, t)
	}
	for _, t := range all {
		if t.isFloor() {
			t.of = of
		}
	}
	measured, err := s.alternate(name, all...)
	if err == nil {
		s.r.Series = append(s.r.Series, measured)
	}
	return err
}

// floor starts the bare handler that the trials are compared with. The handler's responses are as large as those of the
// first trial.
func (s *setup) floor(trials []*trial) *system {
	return s.add(func(of *system) error {
		at := slices.IndexFunc(trials, func(t *trial) bool { return !t.isFloor() })
		if at < 0 {
			return errors.New("the plan has no target to compare with the floor server")
		}
		first := trials[at]
		url := first.of.urls[measure.Fights] + fightPath
		if first.Mix == randomHeroMix {
			url = first.of.urls[measure.Heroes] + randomHeroPath
		}
		response, err := program.Get(s.ctx, url)
		if err != nil {
			return err
		}
		return of.floor(len(response), false)
	})
}

const (
	fightPath      = "/api/fights/execute_fight"
	randomHeroPath = "/api/heroes/random_hero"
)

// needs returns the number of valid runs that the trial needs, given how many the others of its series need.
func (t *trial) needs(others int) int { return cmp.Or(t.rounds, others) }

// alternate measures the trials in turn, round by round, and measures the floors once more at the end. Void runs, and
// runs whose latencies are void, are repeated in the plan's extra rounds; a trial that still has too few valid runs is void.
func (s *setup) alternate(name string, trials ...*trial) (Series, error) {
	rounds := trials[0].needs(s.plan.Rounds)
	missing := func(t *trial) bool { return t.punctual() < t.needs(rounds) }
	for round := 1; round <= rounds+s.plan.Extra && slices.ContainsFunc(trials, missing); round++ {
		for _, t := range trials {
			if !missing(t) && !t.isFloor() {
				continue
			}
			if err := s.once(name, t); err != nil {
				return Series{}, err
			}
		}
	}
	for _, t := range trials {
		if t.isFloor() {
			if err := s.once(name, t); err != nil {
				return Series{}, err
			}
		}
	}
	measured := Series{Name: name}
	for _, t := range trials {
		t.decide(t.needs(rounds))
		measured.Cells = append(measured.Cells, t.Cell)
	}
	return measured, nil
}

// once performs one run of a trial.
func (s *setup) once(series string, t *trial) error {
	of := t.of
	if t.fresh != nil {
		if of = t.fresh(); s.err != nil {
			return s.err
		}
		defer of.stop()
	}
	run, own, err := s.run(t, of)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	t.Runs++
	t.Dropped += run.Counts.Dropped + run.Counts.WarmDropped
	void := voidReasons(run, t.Nothing)
	s.say("%s: %s, run %d: %.0f/s %s", series, t.Name, t.Runs, run.Throughput, cmp.Or(strings.Join(void, "; "), run.Late()))
	if len(void) > 0 {
		t.Void = append(t.Void, fmt.Sprintf("run %d: %s", t.Runs, strings.Join(void, "; ")))
		return nil
	}
	t.note(run)
	for name, value := range own {
		t.add(name, value)
	}
	t.noteParts(run, of.parts)
	return nil
}

// storesNothing is the prefix of the reason that bench gives when a run is void because no fight was stored.
const storesNothing = "STORES NOTHING"

// punctual returns the number of valid runs whose latencies count.
func (c *Cell) punctual() int { return c.Valid - len(c.Late) }

// decide determines which figures of a cell are used, given how many runs it needs.
func (c *Cell) decide(needs int) {
	c.Enough = c.Valid >= needs
	if c.punctual() < needs {
		for _, latency := range latencies() {
			delete(c.Figures, latency)
		}
	}
}

// latencies returns the names of the figures that a late load generator makes void.
func latencies() []string { return []string{p50, p95, p99} }

// voidReasons returns the reasons why a run is void. A late generator isn't one: it makes only latencies void. If the
// target is meant to store nothing, the reason STORES NOTHING is expected: it is left out, and a run without it is void.
func voidReasons(run measure.Run, nothing bool) []string {
	reasons := slices.DeleteFunc(slices.Clone(run.Void), func(reason string) bool { return reason == run.Late() })
	if unknown := run.Surroundings.Unknown; unknown != "" {
		reasons = append(reasons, "the CPU time of unrelated processes is unknown: "+unknown)
	}
	if !nothing {
		return reasons
	}
	var others []string
	said := false
	for _, reason := range reasons {
		if strings.HasPrefix(reason, storesNothing) {
			said = true
			continue
		}
		others = append(others, reason)
	}
	if !said {
		others = append(others, "the target stored fights, but should store nothing")
	}
	return others
}

// run performs one run with bench, on an empty fight store if the system can be reset. It also returns the figures that
// bench doesn't report.
func (s *setup) run(t *trial, of *system) (measure.Run, map[string]float64, error) {
	mix, err := measure.ParseMix(t.Mix)
	if err != nil {
		return measure.Run{}, nil, err
	}
	options := measure.Options{
		Mix: mix, Targets: []measure.Target{of.target(t.Name)}, Connections: t.Connections,
		Duration: cmp.Or(t.measured, s.plan.Measured), Warmup: max(s.plan.Warmup, t.warmup),
		Timeout: 10 * time.Second, MaxWait: time.Second, Rounds: 1, CountCalls: t.count,
	}
	if t.Rate > 0 {
		options.Rates = []float64{t.Rate}
	}
	if t.idle {
		options.Idle, options.RAPL = s.plan.Rest, energy.Powercap
	}
	for _, reset := range of.resets {
		if err := reset(s.ctx); err != nil {
			return measure.Run{}, nil, err
		}
	}
	w := &watch{measured: options.Duration}
	options.Progress = w.progress
	stop := of.scraping(t.scrape)
	report, err := measure.Members(s.ctx, options)
	if err := errors.Join(err, stop()); err != nil {
		return measure.Run{}, nil, err
	}
	if s.ctx.Err() != nil {
		return measure.Run{}, nil, measure.ErrInterrupted
	}
	run := report.Series[0].Members[0].Runs[0]
	return run, w.figures(run.Throughput), nil
}

func (c *Cell) add(name string, value float64) {
	if c.Figures == nil {
		c.Figures = map[string]Figure{}
	}
	c.Figures[name] = append(c.Figures[name], page.Digits(value))
}

// addLatency adds a percentile, unless it is 0 because the run had too few iterations for it.
func (c *Cell) addLatency(name string, micros float64) {
	if micros > 0 {
		c.add(name, micros)
	}
}

// note adds the figures that bench reports for a valid run.
func (c *Cell) note(run measure.Run) {
	c.Valid++
	c.add(throughput, run.Throughput)
	if late := run.Late(); late != "" {
		c.Late = append(c.Late, fmt.Sprintf("run %d: %s", c.Runs, late))
	} else {
		c.addLatency(p50, run.Latency.P50)
		c.addLatency(p99, run.Latency.P99)
		c.addLatency(p95, run.Latency.P95)
	}
	c.add(generator, run.Generator.PerUnit)
	c.add(strangers, 100*run.Surroundings.Strangers)
	c.add(steal, 100*run.Surroundings.Steal)
	if done := run.Counts.Done; done > 0 {
		c.add(httpBytes, float64(run.Counts.Sent+run.Counts.Received)/float64(done))
	}
	if e := run.Measured; e != nil {
		c.add(joules, e.PerUnit)
		c.add(idleWatts, e.IdleWatts)
	}
	stored := 0.0
	if u := run.Application; u != nil && u.Error == "" {
		c.add(cpu, u.CPU)
		c.add(idleCPU, u.IdleBefore)
		c.add(switches, u.Voluntary+u.Involuntary)
		c.add(wakeups, u.Voluntary)
		c.add(calls, u.ReadCalls+u.WriteCalls)
		c.add(memory, mib(u.RSSPeak))
		c.add(pss, mib(u.PSSMean))
		c.add(pssPeak, mib(u.PSSPeak))
		stored += u.Storage
	}
	if u := run.Store; u != nil && u.Error == "" {
		c.add(storeCPU, u.CPU)
		c.add(idleStore, u.IdleBefore)
		c.add(storePSS, mib(u.PSSMean))
		stored += u.Storage
	}
	c.add(storage, stored)
}

// noteParts adds the CPU time of each part of a system: the sum over its processes, from the same readings as the
// totals of application and stores.
func (c *Cell) noteParts(run measure.Run, parts []part) {
	var trees []measure.Tree
	for _, u := range []*measure.Use{run.Application, run.Store} {
		if u != nil {
			trees = append(trees, u.Trees...)
		}
	}
	for _, p := range parts {
		used, known := 0.0, false
		for _, tree := range trees {
			if slices.Contains(p.pids, tree.PID) {
				used, known = used+tree.CPU, true
			}
		}
		if !known {
			continue // the part's processes are unknown
		}
		if !slices.Contains(c.Parts, p.name) {
			c.Parts = append(c.Parts, p.name)
		}
		c.add(partCPU+p.name, used)
	}
}
