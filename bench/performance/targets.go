package performance

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Target is a row in the table of targets.
type Target struct {
	What    string
	Wanted  string
	Reached string
	Floor   string // the floor server's figure, with its spread
	Spread  string // minimum and maximum across the runs
	Verdict verdict
	Aside   bool // for comparison only, not a target itself
}

// verdict says whether a target was met.
type verdict string

const (
	met         verdict = "met"
	notMet      verdict = "**not met**"
	void        verdict = "VOID"
	notMeasured verdict = "not measured"
)

// judge compares the measured value with the limit.
func judge(reached, limit float64) verdict {
	if math.IsNaN(reached) {
		return notMeasured
	}
	if reached <= limit {
		return met
	}
	return notMet
}

// absent returns the verdict for a target without a figure.
func absent(err error) verdict {
	if errors.Is(err, errVoid) {
		return void
	}
	return notMeasured
}

// targets returns all targets, in the order in which they were set.
func (r *Results) targets() []Target {
	all := []Target{
		r.ratioTarget("`up`, eco, 32 connections", at32, upEco, 2.4),
		r.ratioTarget("`up`, eco, 128 connections", at128, upEco, 2.1),
	}
	all = append(all, r.oneConnection()...)
	all = append(all,
		r.ratioTarget("`up`, strict", at32, upStrict, 8),
		r.ratioTarget("four processes, eco, 32 connections, the sum of the four", at32, fourEco, 5),
		r.ratioTarget("four processes, eco, 128 connections, the sum of the four", at128, fourEco, 4),
		r.ratioTarget("four processes, strict, with the store", at32, fourStrict, 40),
		r.ratioTarget("four processes, strict, store stubbed out (it stores nothing)", at32, fourStub, 22),
		r.ratioTarget("`random_hero`, one service on PostgreSQL, eco", randomHero, heroesEco, 1.2),
		r.ratioTarget("`random_hero`, one service on PostgreSQL, strict", randomHero, heroesStrict, 4.5),
		r.allocationTarget(10),
		r.tailTarget("p99 at 80 % of saturation, `up`, eco", upEco, 10),
		r.tailTarget("p99 at 80 % of saturation, four processes, eco", fourEco, 10),
		r.flatTarget("cost by roster size, strict: `up` on SQLite", roster, 0.25),
		r.flatTarget("cost by roster size, strict: `random_hero` on PostgreSQL, with the store", rosterAlone, 0.25),
		r.flatTarget("cost by number of stored fights: `up`, eco, on SQLite", stored, 0.25),
	)
	all = append(all, r.idleTargets()...)
	all = append(all,
		r.startTarget("time from process start to the first fight's response, `up`, new data", newData, 50),
		r.startTarget("time from process start to the first fight's response, `up`, existing data", existingData, 30),
		r.connectionsTarget("throughput by number of connections, `up`, eco", upEco, 0.1),
		r.connectionsTarget("throughput by number of connections, four processes, eco", fourEco, 0.1),
	)
	all = append(all, r.priceTargets()...)
	return append(all, r.familyTargets()...)
}

// ratioTarget returns a target for the application's CPU time as a multiple of the floor server's.
func (r *Results) ratioTarget(what, series, name string, limit float64) Target {
	t := Target{What: "CPU per fight: " + what, Wanted: fmt.Sprintf("<= %g x floor", limit)}
	if series == randomHero {
		t.What = "CPU per pick: " + what
	}
	c := r.cell(series, name)
	if c == nil {
		t.Verdict = notMeasured
		return t
	}
	return r.series(series).fill(t, c, c.Floor, limit)
}

func (s *Series) fill(t Target, c *Cell, floorName string, limit float64) Target {
	ratio, err := s.ratio(c, floorName, cpu)
	if err != nil {
		t.Verdict = absent(err)
		return t
	}
	floor, values := s.cell(floorName).Figures[cpu], c.Figures[cpu]
	t.Reached = fmt.Sprintf("%s x (%s us%s)", number(ratio), number(values.Median()), besides(c))
	t.Floor = micros(floor)
	t.Spread = fmt.Sprintf("%s-%s x", number(values.Least()/floor.Median()), number(values.Most()/floor.Median()))
	t.Verdict = judge(ratio, limit)
	return t
}

// besides formats the CPU time of the database servers, which is not part of the ratio, and that of both together.
func besides(c *Cell) string {
	if !c.has(storeCPU) {
		return ""
	}
	return fmt.Sprintf("; stores %s us, together %s us", number(c.median(storeCPU)), togetherText(c, cpu, storeCPU, 1))
}

// micros formats a figure's median with its minimum and maximum.
func micros(f Figure) string {
	return fmt.Sprintf("%s us (%s-%s)", number(f.Median()), number(f.Least()), number(f.Most()))
}

// oneConnection returns two rows for the CPU time at one connection: relative to the floor server at 32 connections,
// and relative to the floor server at one. Only the first row has a verdict, because it is the stricter of the two.
func (r *Results) oneConnection() []Target {
	const limit = 12
	what := "CPU per fight: `up`, eco, 1 connection"
	s := r.series(at1)
	t := Target{What: what + ", relative to the floor at 32", Wanted: fmt.Sprintf("<= %d x floor", limit)}
	t = s.fill(t, s.cell(upEco), floorCell(usual), limit)
	other := s.fill(Target{What: what + ", relative to the floor at 1", Aside: true}, s.cell(upEco), floorCell(1), limit)
	if other.Reached != "" {
		other.Verdict = "" // this row is for comparison only
	}
	return []Target{t, other}
}

func (r *Results) allocationTarget(limit int64) Target {
	const what = "allocations per fight in our own code, eco, store stubbed out"
	t := Target{What: what, Wanted: fmt.Sprintf("<= %d", limit), Verdict: notMeasured}
	if r.Allocations != nil {
		t.Reached, t.Verdict = fmt.Sprint(*r.Allocations), judge(float64(*r.Allocations), float64(limit))
	}
	return t
}

// tailTarget returns a target for the ratio of p99 to p50 in the open model.
func (r *Results) tailTarget(what, name string, limit float64) Target {
	t := Target{What: what, Wanted: fmt.Sprintf("<= %g x p50", limit)}
	c := r.cell(tail, name)
	err := c.checkLatency()
	if err == nil && !c.has(p99) {
		err = errNotMeasured // the run was too short
	}
	if err != nil {
		t.Verdict = absent(err)
		return t
	}
	ratios := c.Figures[p99].by(c.Figures[p50])
	ratio := c.median(p99) / c.median(p50)
	t.Reached = fmt.Sprintf("%s x (p50 %s ms, p99 %s ms at %s/s)",
		number(ratio), value(c, p50, 1e-3), value(c, p99, 1e-3), thousands(c.Rate))
	t.Spread = fmt.Sprintf("%s-%s x", number(ratios.Least()), number(ratios.Most()))
	if floor := r.cell(tail, c.Floor); floor.has(p99) {
		t.Floor = fmt.Sprintf("p50 %s ms, p99 %s ms at the same rate", value(floor, p50, 1e-3), value(floor, p99, 1e-3))
	}
	t.Verdict = judge(ratio, limit)
	return t
}

// by divides f by another figure, run by run.
func (f Figure) by(other Figure) Figure {
	var ratios Figure
	for i := range min(len(f), len(other)) {
		ratios = append(ratios, f[i]/other[i])
	}
	return ratios
}

// flatTarget returns a target that limits the increase in cost from the smallest size to any larger one. The cost includes
// the database server, if there is one.
func (r *Results) flatTarget(what, series string, limit float64) Target {
	t := Target{What: what, Wanted: fmt.Sprintf("flat within %.0f %%", 100*limit), Verdict: notMeasured}
	s := r.series(series)
	if s == nil {
		return t
	}
	var costs, sizes []float64
	for i := range s.Cells {
		c := &s.Cells[i]
		if c.Floor == "" {
			t.Floor = floorOf(c)
			continue
		}
		if !c.has(cpu) {
			t.Verdict = void
			return t
		}
		costs, sizes = append(costs, c.median(cpu)+c.median(storeCPU)), append(sizes, float64(c.Size))
	}
	if len(costs) < 2 {
		return t
	}
	growth := slices.Max(costs[1:])/costs[0] - 1
	t.Reached = fmt.Sprintf("%+.0f %% at most (%s us at %s)", 100*growth, list(costs, number), list(sizes, thousands))
	t.Verdict = judge(growth, limit)
	if last := sizes[len(sizes)-1]; last < 1_000_000 {
		t.Wanted += " up to 1,000,000"
		t.Verdict = verdict(fmt.Sprintf("measured to %s only", thousands(last)))
	}
	return t
}

// floorOf formats the floor server's CPU time.
func floorOf(c *Cell) string {
	if !c.has(cpu) {
		return string(void)
	}
	return micros(c.Figures[cpu])
}

func list(values []float64, write func(float64) string) string {
	text := ""
	for i, value := range values {
		if i > 0 {
			text += " / "
		}
		text += write(value)
	}
	return text
}

// idleTargets returns the targets for idle processes, judged by the process with the highest usage.
func (r *Results) idleTargets() []Target {
	const mostCPU, mostService, mostUp = 0.0005, 24, 32
	busy := Target{What: "idle CPU, as a share of one core: `up`, and each service alone", Wanted: "<= 0.05 %", Verdict: notMeasured}
	resident := func(what string, most int) Target {
		what = "resident memory of " + what + ", after startup and a few fights"
		return Target{What: what, Wanted: fmt.Sprintf("<= %d MiB", most), Verdict: notMeasured}
	}
	service, up := resident("a service", mostService), resident("`up`", mostUp)
	worst, largest := -1.0, Idle{}
	for _, each := range r.Idle {
		switch {
		case each.Store:
			continue
		case each.Name == floorPart:
			busy.Floor = fmt.Sprintf("%.3f %%", 100*each.CPU)
			service.Floor = fmt.Sprintf("%.1f MiB", each.RSS)
			up.Floor = service.Floor
			continue
		case each.Name == upPart:
			up.Reached, up.Verdict = fmt.Sprintf("%.1f MiB", each.RSS), judge(each.RSS, mostUp)
		case each.RSS > largest.RSS:
			largest = each
		}
		if each.CPU > worst {
			worst = each.CPU
			busy.Reached = fmt.Sprintf("%.3f %% (%s) over %.0f s", 100*each.CPU, each.Name, each.Seconds)
			busy.Verdict = judge(worst, mostCPU)
		}
	}
	if largest.Name != "" {
		service.Reached = fmt.Sprintf("%.1f MiB (%s)", largest.RSS, largest.Name)
		service.Verdict = judge(largest.RSS, mostService)
	}
	return []Target{busy, service, up}
}

func (r *Results) startTarget(what, kind string, limit float64) Target {
	t := Target{What: what, Wanted: fmt.Sprintf("<= %.0f ms", limit), Verdict: notMeasured}
	for _, s := range r.Starts {
		if s.Name == kind && len(s.Ms) > 0 {
			t.Reached = fmt.Sprintf("%s ms (median of %d starts)", number(s.Ms.Median()), len(s.Ms))
			t.Spread = fmt.Sprintf("%s-%s ms", number(s.Ms.Least()), number(s.Ms.Most()))
			t.Verdict = judge(s.Ms.Median(), limit)
		}
	}
	return t
}

// connectionsTarget returns a target that limits the drop in throughput from the smallest number of connections to any
// larger one.
func (r *Results) connectionsTarget(what, name string, limit float64) Target {
	t := Target{What: what, Verdict: notMeasured}
	counts := r.Plan.Clients
	if len(counts) == 0 {
		return t
	}
	t.What += fmt.Sprintf(", %d to %s", counts[0], thousands(float64(counts[len(counts)-1])))
	t.Wanted = fmt.Sprintf("falls by <= %.0f %%", 100*limit)
	s := r.series(connections)
	if s == nil {
		return t
	}
	values, floors := []float64{}, []float64{}
	for _, n := range counts {
		c, floor := s.cell(atConnections(name, n)), s.cell(floorCell(n))
		if !c.has(throughput) || !floor.has(throughput) {
			t.Verdict = void
			return t
		}
		values, floors = append(values, c.median(throughput)), append(floors, floor.median(throughput))
	}
	fall := 1 - slices.Min(values)/values[0]
	t.Reached = fmt.Sprintf("falls by %.0f %% (%s/s)", 100*fall, list(values, thousands))
	t.Floor = fmt.Sprintf("falls by %.0f %% (%s/s)", 100*(1-slices.Min(floors)/floors[0]), list(floors, thousands))
	t.Verdict = judge(fall, limit)
	return t
}
