package measure

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"superheroes/bench/format"
)

// Summary returns a line for each member and rate, short enough to be read aloud, and one for the floor server if it is
// void. A line about void runs has no figures.
func (r *Report) Summary() []string {
	var lines []string
	for _, s := range r.Series {
		all := s.Members
		if s.Floor != nil && len(s.Floor.Void) > 0 {
			all = s.all()
		}
		for _, m := range all {
			lines = append(lines, m.title()+s.at()+": "+s.summarize(m, r.Plan.Unit))
		}
	}
	return lines
}

// title returns the member's name and, unless the name says so already, its profile.
func (m Member) title() string {
	if m.Profile == "" || m.Profile == notTold || slices.Contains(strings.Fields(m.Name), m.Profile) {
		return m.Name
	}
	return m.Name + " " + m.Profile
}

// at returns the rate as a suffix, such as " at 97/s", or "" in the closed model.
func (s Series) at() string {
	if s.Rate == 0 {
		return ""
	}
	return " at " + format.Exact(s.Rate) + "/s"
}

func (s Series) summarize(m Member, unit string) string {
	switch more := len(m.Void) - 1; {
	case len(m.Runs) == 0:
		return "not measured"
	case more > 0:
		return fmt.Sprintf("VOID, %s; and for %d more reasons", m.Void[0], more)
	case more == 0:
		return "VOID, " + m.Void[0]
	}
	var parts []string
	if m.unchecked() != "" {
		parts = append(parts, "UNCHECKED")
	}
	if f, ok := m.Figure("throughput"); ok && s.Rate == 0 {
		parts = append(parts, format.Brief(threeDigits(f.Median))+" "+unit+"s/s")
	}
	parts = append(parts, m.latencies(), s.cpu(m, unit), m.memory())
	if len(m.Uncovered) > 0 {
		parts = append(parts, "not counting separate processes of "+strings.Join(m.Uncovered, ", "))
	}
	return strings.Join(parts, ", ")
}

func threeDigits(n float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 3, 64), 64) // can't fail, since it was just formatted
	return rounded
}

// latencies returns the median and the highest percentile up to p99 for which there are enough iterations.
func (m Member) latencies() string {
	var parts []string
	for _, name := range []string{"p99", "p95", "p90", "p50"} {
		if f, ok := m.Figure(latencyPrefix + name + "_us"); ok && (len(parts) == 0 || name == "p50") {
			parts = append([]string{name + " " + format.Brief(f.Median/1e3) + " ms"}, parts...)
		}
	}
	if len(parts) == 0 {
		return "too few iterations for a p50"
	}
	return strings.Join(parts, ", ")
}

// cpu returns the CPU time per fight or iteration, and its ratio to that of the floor server at the same rate.
func (s Series) cpu(m Member, unit string) string {
	const figure = "cpu_us"
	total, known := m.total(figure)
	if !known {
		return "CPU not known"
	}
	return m.sum(figure, "us", s.toFloor) + " of CPU " + article(unit) + s.toFloor(total)
}

// memory returns the memory after the run, with shared pages divided among the processes that share them.
func (m Member) memory() string {
	const figure = "pss_after_mib"
	if _, known := m.total(figure); !known {
		return "memory not known"
	}
	return m.sum(figure, "MiB", func(Figure) string { return "" })
}

// total returns a figure of services and stores together or, if the member's stores aren't known, of the services.
func (m Member) total(figure string) (Figure, bool) {
	if f, ok := m.Figure(togetherPrefix + figure); ok {
		return f, true
	}
	return m.Figure(figure)
}

// sum formats a figure of services and stores as a sum, or that of the services alone if the stores aren't known.
func (m Member) sum(figure, unit string, remark func(Figure) string) string {
	services, _ := m.Figure(figure)
	stores, known := m.Figure(storePrefix + figure)
	if !known {
		return format.Brief(services.Median) + " " + unit
	}
	digits := 1.0
	if services.Median+stores.Median < 10 {
		digits = 10
	}
	round := func(n float64) float64 { return math.Round(n*digits) / digits }
	a, b := round(services.Median), round(stores.Median) // rounded first, so that the sum is right as written
	return fmt.Sprintf("%s %s of the services%s and %s %[2]s of the stores is %[5]s %[2]s",
		format.Exact(a), unit, remark(services), format.Exact(b), format.Exact(round(a+b)))
}

// toFloor returns the ratio of a figure to the floor server's in parentheses, or "" if there is none.
func (s Series) toFloor(f Figure) string {
	if f.ToFloor == nil || len(s.Floor.Void) > 0 {
		return ""
	}
	return " (" + format.Brief(f.ToFloor.OfMedians) + " x floor" + s.at() + ")"
}

func article(unit string) string {
	if strings.ContainsAny(unit[:1], "aeiou") {
		return "an " + unit
	}
	return "a " + unit
}
