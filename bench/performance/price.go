package performance

import (
	"fmt"
	"math"
	"slices"

	"superheroes/bench/stat"
)

// priceTargets returns the targets for the cost of telemetry. Targets that compare with an earlier program are left out
// if none was measured.
func (r *Results) priceTargets() []Target {
	all := []Target{
		r.requestTarget("telemetry: recording the metrics of a request", costOfMetrics, 150),
		r.requestTarget("telemetry: cost of tracing per request while tracing is off", costOfTracingOff, 20),
		r.priceTarget("`up`, eco", upEco, 0.2), r.priceTarget(fourStrict, fourStrict, 0.08),
		r.spansTarget(), r.tracedInstructions(0.01),
		r.scrapeTarget(2), r.scrapedIdleTarget(0.0005),
	}
	if r.cell(instructions, beforeTelemetry) != nil {
		all = append(all, r.startInstructions(0.01))
	}
	if _, found := r.scraped("heroes", beforeTelemetry); found {
		all = append(all, r.addedMemory(0.8))
	}
	return all
}

// requestTarget limits the time that a part of telemetry adds to a request. The part must not allocate memory.
func (r *Results) requestTarget(what, name string, ns float64) Target {
	t := Target{What: what, Wanted: fmt.Sprintf("<= %g ns, 0 allocations", ns), Verdict: notMeasured}
	for _, cost := range r.Requests {
		if cost.Name == name {
			t.Reached = fmt.Sprintf("%s ns, %d allocations", number(cost.Ns), cost.Allocs)
			t.Verdict = judge(max(cost.Ns/ns-1, float64(cost.Allocs)), 0)
		}
	}
	return t
}

// change is the ratio of a figure in two cells: the median over the rounds, with its confidence interval.
type change struct {
	stat.Ratio
	from, to Figure
}

// changeOf compares a figure of a cell with the same figure of its base cell. The error says why that isn't possible.
func (s *Series) changeOf(c *Cell, figure string) (change, error) {
	base := (*Cell)(nil)
	if c != nil {
		base = s.cell(c.Floor)
	}
	for _, each := range []*Cell{c, base} {
		if err := each.check(); err != nil {
			return change{}, err
		}
	}
	from, to := base.Figures[figure], c.Figures[figure]
	ratio, ok := stat.RatioOf(to, from, 0.95)
	if !ok {
		return change{}, errNotMeasured
	}
	return change{ratio, from, to}, nil
}

func (c change) String() string { return percentMore(c.Paired) }

// changeText formats the change of a cell's figure and its confidence interval, or says why there is no change to show.
func (s *Series) changeText(c *Cell, figure string) string {
	if c.Floor == "" {
		return "-"
	}
	change, err := s.changeOf(c, figure)
	if err != nil {
		return string(absent(err))
	}
	return change.String() + ", " + change.Range()
}

// Range formats the confidence interval.
func (c change) Range() string {
	low, high := percentMore(c.Interval.Low), percentMore(c.Interval.High)
	return fmt.Sprintf("%s to %s (%.0f %% confidence)", low, high, 100*c.Interval.Confidence)
}

// percentMore formats a ratio as a change in percent.
func percentMore(ratio float64) string { return fmt.Sprintf("%+.1f %%", 100*(ratio-1)) }

// priceTarget limits the CPU time that telemetry adds to a fight when every request is traced.
func (r *Results) priceTarget(what, system string, limit float64) Target {
	t := Target{
		What:   fmt.Sprintf("telemetry: CPU per fight with every request traced, %s, %d/s", what, priceRate),
		Wanted: fmt.Sprintf("<= %+.0f %%", 100*limit),
	}
	c, err := r.series(telemetry).changeOf(r.cell(telemetry, nameOf(system, withAllTraces)), cpu)
	if err != nil {
		t.Verdict = absent(err)
		return t
	}
	t.Reached = fmt.Sprintf("%s (%s us, from %s us)", c, number(c.to.Median()), number(c.from.Median()))
	t.Spread, t.Verdict = c.Range(), judge(c.Paired-1, limit)
	return t
}

// spansTarget requires that no span is lost on its way to the collector when every request is traced.
func (r *Results) spansTarget() Target {
	what := fmt.Sprintf("telemetry: spans lost with every request traced, %d/s", priceRate)
	t := Target{What: what, Wanted: "0", Verdict: notMeasured}
	var ended, lost float64
	for _, system := range []string{upEco, fourStrict} {
		c := r.cell(telemetry, nameOf(system, withAllTraces))
		if c == nil || len(c.Figures[spansEnded]) == 0 {
			return t
		}
		ended, lost = ended+c.Figures[spansEnded].Median(), lost+c.Figures[spansLost].Median()
	}
	t.Reached, t.Verdict = fmt.Sprintf("%s of %s", thousands(lost), thousands(ended)), judge(lost, 0)
	return t
}

// tracedInstructions limits the instructions per fight that tracing adds at saturation, with the default of at most 10
// traces a second. Every fight pays for the sampling decision; 10 fights a second also pay for their spans.
func (r *Results) tracedInstructions(limit float64) Target {
	t := Target{
		What:   "telemetry: extra instructions per fight for 10 traces a second, `up`, eco, at saturation",
		Wanted: fmt.Sprintf("<= %+.0f %%", 100*limit), Verdict: notMeasured,
	}
	rate := r.cell(telemetry, nameOf(upEco+saturated, withFewTraces)).median(throughput)
	of := func(name string) float64 { return r.cell(instructions, name).median(perFight) }
	metrics, none, all := of(withMetrics), of(withNoTraces), of(withAllTraces)
	if metrics == 0 || none == 0 || all == 0 || rate == 0 {
		return t
	}
	more := (none + (all-none)*10/rate) / metrics
	t.Reached = fmt.Sprintf("%s (%s, every fight traced %s, without traces %s; %s fights a second)",
		percentMore(more), thousands(none), thousands(all), thousands(metrics), thousands(rate))
	t.Verdict = judge(more-1, limit)
	return t
}

// scraped returns the measurements of the idle process with the given name and variant.
func (r *Results) scraped(process, variant string) (Idle, bool) {
	at := slices.IndexFunc(r.Scraped, func(i Idle) bool { return i.Name == nameOf(process, variant) })
	if at < 0 {
		return Idle{}, false
	}
	return r.Scraped[at], true
}

// worstScraped returns the process with the highest figure among those with metrics, or an empty Idle if none has any.
func (r *Results) worstScraped(figure func(Idle) float64) Idle {
	var worst Idle
	for _, i := range r.Scraped {
		if i.Scrape > 0 && figure(i) > figure(worst) {
			worst = i
		}
	}
	return worst
}

func (r *Results) scrapeTarget(limit float64) Target {
	t := Target{What: "telemetry: CPU of a scrape", Wanted: fmt.Sprintf("<= %g ms", limit), Verdict: notMeasured}
	worst := r.worstScraped(func(i Idle) float64 { return i.Scrape })
	if worst.Name != "" {
		t.Reached, t.Verdict = fmt.Sprintf("%s ms at most (%s)", number(worst.Scrape), worst.Name), judge(worst.Scrape, limit)
	}
	return t
}

func (r *Results) scrapedIdleTarget(limit float64) Target {
	t := Target{
		What:   "telemetry: idle CPU with a scrape every 15 s, as a share of one core",
		Wanted: fmt.Sprintf("<= %g %%", 100*limit), Verdict: notMeasured,
	}
	worst := r.worstScraped(func(i Idle) float64 { return i.CPU })
	if worst.Name != "" {
		t.Reached = fmt.Sprintf("%s %% at most (%s) over %.0f s", percent(worst.CPU), worst.Name, worst.Seconds)
		t.Verdict = judge(worst.CPU, limit)
	}
	return t
}

// startInstructions limits the instructions that telemetry adds to a start even when it is off.
func (r *Results) startInstructions(limit float64) Target {
	t := Target{
		What: "telemetry: extra instructions of a start with telemetry off", Wanted: fmt.Sprintf("<= %+.0f %%", 100*limit),
		Verdict: notMeasured,
	}
	now, before := r.cell(instructions, withoutTelemetry), r.cell(instructions, beforeTelemetry)
	if !now.has(atStart) || !before.has(atStart) {
		return t
	}
	of := func(figure string) float64 { return now.median(figure) / before.median(figure) }
	t.Reached = fmt.Sprintf("%s (`up`), %s (`version`)", percentMore(of(atStart)), percentMore(of(atVersion)))
	t.Verdict = judge(max(of(atStart), of(atVersion))-1, limit)
	return t
}

// addedMemory limits the resident memory that telemetry adds to a service even when it is off.
func (r *Results) addedMemory(limit float64) Target {
	const what = "telemetry: extra resident memory of a service with telemetry off"
	t := Target{What: what, Wanted: fmt.Sprintf("<= %+g MiB", limit)}
	most := math.Inf(-1)
	// The process up isn't compared, because it runs six services.
	for _, process := range []string{"heroes", "villains", "locations", "fights"} {
		now, _ := r.scraped(process, withoutTelemetry)
		before, found := r.scraped(process, beforeTelemetry)
		if more := now.RSS - before.RSS; found && more > most {
			most, t.Reached = more, fmt.Sprintf("%+.1f MiB at most (%s)", more, process)
		}
	}
	t.Verdict = judge(most, limit)
	return t
}
