package measure

import (
	"context"
	"errors"
	"time"

	"superheroes/bench/proc"
)

// Run holds the results of one measurement of one target.
type Run struct {
	Target  string    `json:"target"`
	Round   int       `json:"round"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"` // measured time
	Void    []string  `json:"void"`    // why the run is void; empty for a valid run
	// Disturbed holds those reasons in Void that are the fault of the machine or the generator, not of the target.
	Disturbed []string `json:"disturbed,omitempty"`

	Throughput float64 `json:"throughput"` // iterations completed per second of the measured time
	Latency    Latency `json:"latency"`
	Counts     Counts  `json:"counts"`
	Stored     *Stored `json:"stored,omitempty"` // absent if the mix has no fights

	Application *Use      `json:"application,omitempty"` // absent if the target's processes aren't known
	Store       *Use      `json:"store,omitempty"`
	Generator   Generator `json:"generator"`

	Surroundings Surroundings `json:"surroundings"`

	Measured *MeasuredEnergy `json:"measured_energy,omitempty"` // absent if RAPL isn't available
}

// Generator is the resource usage of the load generator (this process) during the measured time.
type Generator struct {
	CPU     float64  `json:"cpu_seconds"`
	Cores   float64  `json:"cores"`  // available to it
	PerUnit float64  `json:"cpu_us"` // per iteration
	Late    Quantile `json:"late"`   // open model: how late iterations started even though a connection was free
}

// measurement is one run in progress.
type measurement struct {
	Options
	target Target
	mix    Mix
	rate   float64
	name   string // shown as progress
}

// run performs the measurement. It returns an error if the target can't be measured at all; the reasons why a run is
// void are part of the Run.
func (m measurement) run(ctx context.Context, round int) (Run, error) {
	run := Run{Target: m.target.Name, Round: round, Started: time.Now()}
	loadBefore, _ := m.system.Load() // 0 if not available
	meters := m.meters()
	if err := m.startStored(ctx, &run); err != nil {
		return run, err
	}
	watts := m.rest(ctx, meters, idleBegin, idleEnd)

	t := newTally()
	start := time.Now().Add(20 * time.Millisecond) // gives all workers time to start
	from := start.Add(m.Warmup)
	l := load{m.mix, m.target, m.Connections, m.rate, m.Timeout, m.MaxWait, start, window{from, from.Add(m.Duration)}}
	loading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- l.run(loading, t) }()

	m.until(ctx, l, from, func() {})
	begun := m.observe(meters, t, loadBegin)
	if m.CountCalls {
		meters.countCalls()
	}
	m.until(ctx, l, l.window.to, meters.watch)
	meters.called()
	over := m.observe(meters, t, loadEnd)
	if err := <-ended; err != nil {
		return run, err
	}
	m.rest(ctx, meters, restBegin, restEnd)

	m.finish(&run, t, begun, over)
	run.Surroundings = over.census.since(begun.census, m.target)
	run.Surroundings.Load = loadBefore
	m.finishStored(ctx, &run)
	done := float64(over.done - begun.done)
	run.Measured = m.measured(begun, over, watts)
	run.Application, run.Store = meters.application.result(run.Seconds, done), meters.store.result(run.Seconds, done)
	run.Disturbed = m.disturbances(run)
	run.Void = append(append([]string{}, run.Disturbed...), m.faults(run, meters)...)
	if ctx.Err() != nil {
		run.Void = append([]string{ErrInterrupted.Error()}, run.Void...)
	}
	return run, nil
}

// moment holds the readings taken together at the start or the end of the measured time.
type moment struct {
	at     time.Time
	done   int64
	self   time.Duration
	joules float64
	census census
}

// observe reads the meters at the start or the end of the measured time.
func (m measurement) observe(meters *meters, t *tally, p point) moment {
	now := moment{at: time.Now(), done: t.now().Done}
	now.self, _ = proc.Self() // 0 if not available
	now.joules = m.joules()
	meters.read(p)
	now.census = m.census()
	return now
}

func (m measurement) finish(run *Run, t *tally, begun, over moment) {
	run.Seconds = over.at.Sub(begun.at).Seconds()
	run.Counts = t.now()
	done := float64(over.done - begun.done)
	run.Throughput = done / run.Seconds
	run.Latency = latencyOf(t.latency)
	cpu := (over.self - begun.self).Seconds()
	run.Generator = Generator{CPU: cpu, Cores: m.cores(), Late: latenessOf(t.late)}
	if done > 0 {
		run.Generator.PerUnit = cpu * 1e6 / done
	}
}

// startStored counts the stored fights before the run. If the mix has no fights, it only checks that the target
// responds.
func (m measurement) startStored(ctx context.Context, run *Run) error {
	if !m.mix.fights() {
		_, err := m.probe(m.target, m.mix)
		return err
	}
	run.Stored = &Stored{}
	before, by, err := m.target.count(ctx, m.Timeout, "")
	switch {
	case err == nil:
		run.Stored.Checked, run.Stored.Stored, run.Stored.By = true, -before, by
	case errors.Is(err, errCannotTell):
		run.Stored.Why = err.Error()
	default:
		return err
	}
	return nil
}

// finishStored counts the stored fights after the run.
func (m measurement) finishStored(ctx context.Context, run *Run) {
	if run.Stored == nil {
		return
	}
	run.Stored.Acknowledged, run.Stored.Uncertain = run.Counts.Acknowledged, run.Counts.Uncertain
	if !run.Stored.Checked {
		return
	}
	after, _, err := m.target.count(ctx, m.Timeout, run.Stored.By)
	if err != nil {
		run.Stored.Checked, run.Stored.Stored, run.Stored.Why, run.Stored.Lost = false, 0, err.Error(), true
		return
	}
	run.Stored.Stored += after
}

// sample is the interval at which meters are read and progress is reported during a run.
const sample = 500 * time.Millisecond

// tell reports the progress of the run.
func (m measurement) tell(l load, now time.Time) {
	if m.Progress != nil {
		m.Progress(m.name, max(0, now.Sub(l.start)), l.window.to.Sub(l.start))
	}
}

// until waits until the end time. At every sample interval, it reports progress and calls take.
func (m measurement) until(ctx context.Context, l load, end time.Time, take func()) {
	ticks := time.NewTicker(sample)
	defer ticks.Stop()
	over := time.NewTimer(time.Until(end))
	defer over.Stop()
	m.tell(l, time.Now())
	for {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			return
		case now := <-ticks.C:
			m.tell(l, now)
			m.joules() // read often, so that no energy counter wraps around unnoticed
			take()
		}
	}
}
