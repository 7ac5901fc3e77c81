package measure

import (
	"fmt"
	"slices"
	"strings"

	"superheroes/bench/format"
)

// view is a report in words: what both its text and its HTML page show.
type view struct {
	Title    string
	Verdict  string
	Summary  []string
	Plan     []string
	Sections []section
	Notes    []string
}

// section is the part of a report about one rate.
type section struct {
	Title string
	Parts []part
}

// part is about the floor server, a member, or a comparison of two members.
type part struct {
	Name     string
	Warnings []string
	Facts    []string
	Table    table
	Energy   []string
}

func (r *Report) view() view {
	v := view{
		Title:   fmt.Sprintf("superheroes-bench %s, %s", r.Version, r.Started.Format("2006-01-02 15:04:05 MST")),
		Verdict: r.verdict(), Summary: r.Summary(), Plan: r.plan(), Notes: r.Notes,
	}
	for _, s := range r.Series {
		of := section{Title: fmt.Sprintf("closed model, %d connections", r.Plan.Connections)}
		if s.Rate > 0 {
			of.Title = fmt.Sprintf("open model, %s iterations per second; latency counts from when each should have started", format.Exact(s.Rate))
		}
		for _, m := range s.all() {
			of.Parts = append(of.Parts, r.member(s, m))
		}
		for _, c := range s.Comparisons {
			of.Parts = append(of.Parts, c.part(r.Plan.Unit))
		}
		v.Sections = append(v.Sections, of)
	}
	return v
}

// plan describes how the members were measured.
func (r *Report) plan() []string {
	p := r.Plan
	lines := []string{
		fmt.Sprintf("%s/%s, %d cores, %s", r.Machine.OS, r.Machine.Arch, r.Machine.Cores, r.Machine.Go),
		fmt.Sprintf("mix %s, %d connections, %g s measured after %g s of warm-up, %d round(s)", p.Mix, p.Connections, p.Seconds, p.Warmup, p.Rounds),
	}
	if p.FloorSize > 0 {
		lines = append(lines, fmt.Sprintf("floor: one request to a bare net/http handler for each %s, at the same rate; responses of %s bytes, GOMAXPROCS=%d, "+
			"measured before the first round and after each", p.Unit, format.Exact(float64(p.FloorSize)), p.FloorProcs))
	}
	if len(p.PinTarget)+len(p.PinSelf) > 0 {
		lines = append(lines, fmt.Sprintf("pinned: target and floor to cores %v, generator to cores %v", p.PinTarget, p.PinSelf))
	}
	return lines
}

// member describes a member or the floor server.
func (r *Report) member(s Series, m Member) part {
	p, unit := part{Name: m.Name}, r.Plan.Unit
	for _, reason := range m.Void {
		p.Warnings = append(p.Warnings, "VOID: "+reason)
	}
	if m.Name == floorName {
		unit = "request"
	} else {
		p.Facts = []string{"profile: " + m.Profile, "fights: " + m.Stores}
	}
	if len(m.StoreNames) > 0 {
		p.Facts = append(p.Facts, "stores: "+strings.Join(m.StoreNames, ", "))
	}
	p.Facts = append(append(p.Facts, m.beside()...), m.unread()...)
	p.Table, p.Energy = s.figures(m, unit), r.energy(m, unit)
	return p
}

func (c Comparison) part(unit string) part {
	p := part{Name: c.Name + " compared with " + c.To, Table: c.ratios(unit)}
	if c.Equal != "" {
		p.Warnings = []string{"NOT COMPARABLE: " + c.Equal}
	}
	return p
}

// beside describes what else used the machine while the member was measured, and how many iterations got no response.
func (m Member) beside() []string {
	if len(m.Runs) == 0 {
		return nil
	}
	low, high, unknown := m.surroundings()
	strangers := span(percent(low.Strangers), percent(high.Strangers))
	if unknown != "" && high.Strangers == 0 {
		strangers = "unknown"
	}
	lines := []string{fmt.Sprintf("of the cores: unrelated processes %s, steal %s; load average before %s",
		strangers, span(percent(low.Steal), percent(high.Steal)), span(format.Number(low.Load), format.Number(high.Load)))}
	if unknown != "" {
		lines = append(lines, "CPU time of unrelated processes unknown: "+unknown)
	}
	lost, all := int64(0), int64(0)
	for _, run := range m.Runs {
		lost, all = lost+run.Counts.Unanswered+run.Counts.Refused, all+run.Counts.Done
	}
	if lost > 0 {
		lines = append(lines, fmt.Sprintf("no response: %s of %s iterations, not included in the latencies",
			format.Exact(float64(lost)), format.Exact(float64(all))))
	}
	return lines
}

// span formats a range, or a single value if both ends are equal.
func span(low, high string) string {
	if low == high {
		return high
	}
	return low + " to " + high
}

// unread lists the process figures that could not be read.
func (m Member) unread() []string {
	var lines []string
	for _, run := range m.Runs {
		for _, u := range []*Use{run.Application, run.Store} {
			if u == nil {
				continue
			}
			for _, text := range append(slices.Clone(u.Missing), u.Error) {
				if line := "not available: " + text; text != "" && !slices.Contains(lines, line) {
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}
