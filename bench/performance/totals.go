package performance

import (
	"cmp"
	"slices"
	"time"
)

// scenarioNames returns the names of the systems that go through the usage scenario.
func scenarioNames() []string {
	return []string{fourStrict, fourEco, upStrict, upEco, floorLimited, floorPart}
}

// floorFor returns the name of the floor server with the same settings as a system. A floor server's is its own.
func floorFor(name string) string {
	if name == fourStrict || name == fourEco || name == floorLimited {
		return floorLimited
	}
	return floorPart
}

// share selects the services' figures in a cell, or those of the stores, or the sums of both.
type share func(c *Cell, services, stores string) Figure

func servicesOnly(c *Cell, services, _ string) Figure { return c.Figures[services] }
func storesOnly(c *Cell, _, stores string) Figure     { return c.Figures[stores] }

// total is what a system used in the whole usage scenario, as text.
type total struct {
	Name                       string
	Services, Stores, Together string // CPU seconds
	Ratio, TogetherRatio       string // as multiples of the floor server's CPU seconds
	Memory                     [3]string
}

// totals returns the figures of all systems, or nothing if the scenario wasn't measured.
func (r *Results) totals() []total {
	if r.series(scenario) == nil {
		return nil
	}
	var all []total
	for _, name := range scenarioNames() {
		floor, noFloor := r.seconds(floorFor(name), servicesOnly)
		of := func(use share) (text, ratio string) {
			used, err := r.seconds(name, use)
			return orAbsent(used, err), orAbsent(used/floor, cmp.Or(err, noFloor))
		}
		t := total{Name: name}
		t.Services, t.Ratio = of(servicesOnly)
		t.Stores, _ = of(storesOnly)
		t.Together, t.TogetherRatio = of((*Cell).together)
		for i, use := range []share{servicesOnly, storesOnly, (*Cell).together} {
			t.Memory[i] = orAbsent(r.mean(name, use))
		}
		all = append(all, t)
	}
	return all
}

// systemsOf returns the totals without those of the floor servers.
func systemsOf(all []total) []total {
	return slices.DeleteFunc(all, func(t total) bool { return t.Name == floorFor(t.Name) })
}

// orAbsent formats a number, or says why there is none.
func orAbsent(n float64, err error) string {
	switch {
	case err == nil:
		return number(n)
	case absent(err) == void:
		return string(void)
	}
	return "-"
}

// step is a part of the usage scenario.
type step struct {
	cell   *Cell
	length time.Duration
}

// steps returns the steps that a system goes through.
func (r *Results) steps(name string) []step {
	all := []step{{r.cell(scenario, idleCell(name)), r.Plan.Scenario.Idle}}
	for _, rate := range r.Plan.Rates {
		all = append(all, step{r.cell(scenario, atRate(name, rate)), r.Plan.Scenario.Measured})
	}
	return all
}

// seconds returns the CPU seconds that a system used in all steps.
func (r *Results) seconds(name string, use share) (sum float64, err error) {
	for _, s := range r.steps(name) {
		cores, err := s.cores(use)
		if err != nil {
			return 0, err
		}
		sum += cores * s.length.Seconds()
	}
	return sum, nil
}

// cores returns the CPU seconds used per second.
func (s step) cores(use share) (float64, error) {
	if s.cell == nil || s.cell.Rate == 0 {
		return s.cell.medianOf(use, idleCPU, idleStore)
	}
	micros, err := s.cell.medianOf(use, cpu, storeCPU)
	return micros * s.cell.median(throughput) / 1e6, err
}

// mean returns the mean proportional memory of a system, in MiB.
func (r *Results) mean(name string, use share) (mean float64, err error) {
	var passed time.Duration
	for _, s := range r.steps(name) {
		mib, err := s.cell.medianOf(use, pss, storePSS)
		if err != nil {
			return 0, err
		}
		passed += s.length
		mean += (mib - mean) * float64(s.length) / float64(passed)
	}
	return mean, nil
}

// medianOf returns the median of the selected figures. The error says why there is none.
func (c *Cell) medianOf(use share, services, stores string) (float64, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	figure := use(c, services, stores)
	if len(figure) == 0 {
		return 0, errNotMeasured
	}
	return figure.Median(), nil
}

// togetherText formats the sum of a figure of the services and the same figure of their stores, or says why there is
// none.
func togetherText(c *Cell, services, stores string, scale float64) string {
	sum, err := c.medianOf((*Cell).together, services, stores)
	return orAbsent(scale*sum, err)
}

// togetherRatio formats the CPU time of services and stores together as a multiple of the floor server's.
func (s *Series) togetherRatio(c *Cell) string {
	if c.Floor == "" {
		return "1"
	}
	sum, err := c.medianOf((*Cell).together, cpu, storeCPU)
	floor, noFloor := s.cell(c.Floor).medianOf(servicesOnly, cpu, "")
	return orAbsent(sum/floor, cmp.Or(err, noFloor))
}
