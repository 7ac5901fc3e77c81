package comparison

import (
	"fmt"

	"superheroes/bench/format"
)

// target is a limit for the ratio of a variant of this project to the reference.
type target struct {
	what   string
	load   string
	role   Role
	figure string
	limit  float64
}

// targets returns the targets, which were set before the measurement.
func targets() []target {
	return []target{
		{"CPU of the services", busy, Strict, services, 0.6},
		{"CPU of the services", busy, Eco, services, 0.25},
		{"CPU of the services", calm, Strict, services, 0.7},
		{"CPU of the services", calm, Eco, services, 0.4},
		{"CPU of services and stores", busy, Strict, together, 0.7},
		{"CPU of services and stores", busy, Eco, together, 0.4},
	}
}

// Row is a row of the table of targets.
type Row struct {
	What, Ours, Theirs, Ratio, Wanted, Verdict string
	Genuine                                    string // ratio without stores that stand in for others
	Met                                        bool
}

const (
	met         = "met"
	notMet      = "**not met**"
	notMeasured = "not measured"
)

// rows judges the targets.
func (r *Results) rows() []Row {
	var rows []Row
	for _, t := range targets() {
		row := Row{What: fmt.Sprintf("%s at %s, four processes, %s", t.what, t.load, t.role), Ours: "-", Theirs: "-", Ratio: "-",
			Wanted: "<= " + format.Number(t.limit), Verdict: notMeasured, Genuine: "-"}
		ours, theirs := r.member(func(m *Member) bool { return m.Role == t.role }), r.reference()
		if ours != nil && theirs != nil {
			r.judge(&row, t, r.cell(ours, t.load), r.cell(theirs, t.load))
		}
		rows = append(rows, row)
	}
	return rows
}

func (r *Results) judge(row *Row, t target, ours, theirs cell) {
	row.Ours, row.Theirs = spread(ours.values(t.figure)), spread(theirs.values(t.figure))
	ratio, ok := ours.ratio(theirs, t.figure)
	if !ok {
		return
	}
	row.Ratio, row.Verdict, row.Met = interval(ratio), notMet, ratio.Paired <= t.limit
	if row.Met {
		row.Verdict = met
	}
	if genuine, ok := ours.ratio(theirs, genuineTogether); ok && t.figure == together {
		row.Genuine = interval(genuine)
	}
}

// quantity is a figure in which members are compared.
type quantity struct {
	figure, label string
	load          string
	more          bool // whether more is better
}

func quantities() []quantity {
	var all []quantity
	for _, l := range loads() {
		all = append(all,
			quantity{services, "CPU of the services, us", l.name, false}, quantity{together, "CPU of services and stores, us", l.name, false},
			quantity{p50, "p50, ms", l.name, false}, quantity{p95, "p95, ms", l.name, false}, quantity{p99, "p99, ms", l.name, false},
			quantity{servicesPSS, "memory of the services, MiB", l.name, false})
	}
	return append(all, quantity{throughput, "iterations per second", saturated, true},
		quantity{idleServices, "CPU of the idle services, % of a core", busy, false}, quantity{idlePSS, "memory of the idle services, MiB", busy, false})
}

// Loss is a figure in which another member is better than a variant of this project.
type Loss struct {
	What, Load, Ours, OurValue, Theirs, TheirValue, Ratio string
	Unsure                                                bool // whether the interval of the ratio includes 1
}

// losses returns the figures in which another member is better.
func (r *Results) losses() []Loss {
	var all []Loss
	for _, q := range quantities() {
		for i := range r.Members {
			for j := range r.Members {
				ours, theirs := &r.Members[i], &r.Members[j]
				if ours.Role == "" || theirs.Role != "" {
					continue
				}
				if loss, ok := q.lost(r.cell(ours, q.load), r.cell(theirs, q.load)); ok {
					all = append(all, loss)
				}
			}
		}
	}
	return all
}

func (q quantity) lost(ours, theirs cell) (Loss, bool) {
	ratio, ok := ours.ratio(theirs, q.figure)
	if !ok || ratio.Paired == 1 || (ratio.Paired < 1) != q.more {
		return Loss{}, false
	}
	place := ours.load.title
	if q.figure == idleServices || q.figure == idlePSS {
		place = "idle"
	}
	return Loss{q.label, place, ours.Name, spread(ours.values(q.figure)), theirs.Name, spread(theirs.values(q.figure)), interval(ratio),
		ratio.Interval.Low <= 1 && ratio.Interval.High >= 1}, true
}
