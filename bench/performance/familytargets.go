package performance

import (
	"cmp"
	"fmt"
	"math"
)

// familyTargets returns the targets for iterations of the family's load test at the family's rates, and for the idle
// system.
func (r *Results) familyTargets() []Target {
	return append(r.highRateTargets(1.25),
		r.memoryTarget("idle", idleCell, 28),
		r.memoryTarget(fmt.Sprintf("at %g/s", highRate), func(name string) string { return atRate(name, highRate) }, 40),
		r.memoryTarget(fmt.Sprintf("at %d connections", usual), func(name string) string { return atConnections(name, usual) }, 64),
		r.connectedTarget(0.0005),
	)
}

// highRateTargets returns two rows for the CPU time of an iteration: relative to three requests that the floor server
// gets at regular intervals, and relative to three requests in a row, which cost less, since the first one wakes the
// process. Only the first row has a verdict: the target was set for this floor.
func (r *Results) highRateTargets(limit float64) []Target {
	what := fmt.Sprintf("CPU per family iteration: `up`, eco, %g/s, relative to three requests of the floor at that rate, ", highRate)
	s := r.series(family)
	c, single := s.cell(atRate(upEco, highRate)), s.cell(singleFloor)
	t := Target{What: what + "at regular intervals", Wanted: fmt.Sprintf("<= %g x floor", limit), Verdict: notMeasured}
	if single != nil {
		t = (&Series{Cells: []Cell{single.times(3)}}).fill(t, c, singleFloor, limit)
	}
	other := s.fill(Target{What: what + "in a row", Aside: true}, c, atRate(floorPart, highRate), limit)
	if other.Reached != "" {
		other.Verdict = "" // this row is for comparison only
	}
	return []Target{t, other}
}

// times returns the cell with its CPU time multiplied.
func (c *Cell) times(n float64) Cell {
	multiplied := *c
	multiplied.Figures = map[string]Figure{}
	for _, value := range c.Figures[cpu] {
		multiplied.add(cpu, n*value)
	}
	return multiplied
}

// memoryTarget limits the proportional memory of the four processes in a step, judged by the largest reading in the
// profile that uses more.
func (r *Results) memoryTarget(what string, step func(string) string, limit float64) Target {
	t := Target{What: "proportional memory of the four processes, " + what, Wanted: fmt.Sprintf("<= %g MiB", limit)}
	worst := 0.0
	for _, name := range []string{fourStrict, fourEco} {
		c := r.cell(family, step(name))
		peak, err := c.medianOf(servicesOnly, pssPeak, "")
		if err != nil {
			return Target{What: t.What, Wanted: t.Wanted, Verdict: absent(err)}
		}
		if peak > worst {
			worst = peak
			t.Reached = fmt.Sprintf("%.1f MiB (%s; together with the stores %s MiB)", peak, name, togetherText(c, pss, storePSS, 1))
			t.Spread = spread(c, pssPeak) + " MiB"
		}
	}
	if floor := r.cell(family, step(floorLimited)); floor.has(pssPeak) {
		t.Floor = fmt.Sprintf("%.1f MiB", floor.median(pssPeak))
	}
	t.Verdict = judge(worst, limit)
	return t
}

// connectedTarget limits the CPU time of the idle services, together with what their connections cost the stores: the
// difference from round to round between the stores with and without services.
func (r *Results) connectedTarget(limit float64) Target {
	t := Target{
		What:   "idle CPU of the four processes, and what their connections cost the stores, as a share of one core",
		Wanted: fmt.Sprintf("<= %g %%", 100*limit),
	}
	without := r.cell(family, idleCell(storesAlone))
	worst := math.Inf(-1)
	for _, name := range []string{fourStrict, fourEco} {
		c := r.cell(family, idleCell(name))
		sum, err := c.connected(without)
		if err != nil {
			return Target{What: t.What, Wanted: t.Wanted, Verdict: absent(err)}
		}
		if median := sum.Median(); median > worst {
			worst = median
			t.Reached = fmt.Sprintf("%s %% (%s): services %s %%, stores %s %% instead of %s %%", percent(median), name,
				percent(c.median(idleCPU)), percent(c.median(idleStore)), percent(without.median(idleStore)))
			t.Spread = percent(sum.Least()) + " to " + percent(sum.Most()) + " %"
		}
	}
	t.Verdict = judge(worst, limit)
	return t
}

// connected returns, for each run, the CPU seconds per second of idle services and of what their connections cost the
// stores. The cell without has the stores' figures without services.
func (c *Cell) connected(without *Cell) (Figure, error) {
	if err := cmp.Or(c.check(), without.check()); err != nil {
		return nil, err
	}
	sum, alone := c.together(idleCPU, idleStore), without.Figures[idleStore]
	if len(sum) == 0 || len(sum) != len(alone) {
		return nil, errNotMeasured
	}
	var more Figure
	for i := range sum {
		more = append(more, sum[i]-alone[i])
	}
	return more, nil
}
