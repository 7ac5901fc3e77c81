package measure

import (
	"math"
	"strings"

	"gonum.org/v1/plot/plotter"

	"superheroes/bench/chart"
	"superheroes/bench/stat"
)

// charts returns the report's charts.
func (r *Report) charts() []chart.Chart {
	return []chart.Chart{r.latencyChart(), r.cpuChart(), r.throughputChart()}
}

// chart returns an empty chart, whose title says whether the report is valid and what the stores are.
func (r *Report) chart(title, x, y string) chart.Chart {
	if verdict, _, _ := strings.Cut(r.verdict(), ":"); verdict != valid {
		title += " (" + verdict + ")"
	}
	if stores := r.stores(); len(stores) > 0 {
		title += "\nstores: " + strings.Join(stores, ", ")
	}
	return chart.Chart{Title: title, X: x, Y: y}
}

// stores returns the names of all members' stores, without repetitions.
func (r *Report) stores() []string {
	var all []string
	for _, s := range r.Series {
		for _, m := range s.Members {
			all = append(all, m.StoreNames...)
		}
	}
	return chart.Distinct(all)
}

// latencyChart returns a line chart of latency by percentile, as far as the runs have enough iterations. The values are
// medians over the runs.
func (r *Report) latencyChart() chart.Chart {
	c := r.chart("Latency", "percentile, %", "latency, ms")
	c.Scale = nines
	highest := 0.0
	for _, s := range r.Series {
		for _, m := range s.all() {
			line := chart.Line{Name: m.Name, Variant: strings.TrimPrefix(s.at(), " "), Points: m.percentiles()}
			c.Lines = append(c.Lines, line)
			for _, point := range line.Points {
				highest = max(highest, point.X)
			}
		}
	}
	for _, tick := range []float64{0, 50, 90, 99, 99.9, 99.99} {
		if tick <= max(highest, 50) {
			c.Ticks = append(c.Ticks, tick)
		}
	}
	return c
}

// nines is an axis scale on which 90, 99, 99.9 and so on are the same distance apart.
func nines(percent float64) float64 { return -math.Log10(1 - percent/100) }

// all returns the floor server, if it was measured, followed by the members.
func (s Series) all() []Member {
	if s.Floor == nil {
		return s.Members
	}
	return append([]Member{*s.Floor}, s.Members...)
}

// percentiles returns the median over the runs of each percentile that all runs have, in milliseconds.
func (m Member) percentiles() plotter.XYs {
	if len(m.Runs) == 0 {
		return nil
	}
	var points plotter.XYs
	for _, quantile := range m.Runs[0].Latency.Percentiles {
		var values []float64
		for _, run := range m.Runs {
			if micros, known := run.Latency.at(quantile.Percent); known {
				values = append(values, micros/1e3)
			}
		}
		if len(values) == len(m.Runs) {
			points = append(points, plotter.XY{X: quantile.Percent, Y: stat.Median(values)})
		}
	}
	return points
}

// cpuChart returns a chart of the CPU time per iteration of services and stores: against the rate if there are several
// rates, otherwise as stacked bars.
func (r *Report) cpuChart() chart.Chart {
	c := r.chart("CPU per "+r.Plan.Unit, "iterations per second", "CPU, us")
	if len(r.Series) > 1 {
		c.Lines = r.byRate("cpu_us", "services")
		for _, more := range []struct{ figure, name string }{{storePrefix + "cpu_us", "stores"}, {togetherPrefix + "cpu_us", "together"}} {
			if r.has(more.figure) {
				c.Lines = append(c.Lines, r.byRate(more.figure, more.name)...)
			}
		}
		return c
	}
	c.X = ""
	r.addBars(&c, "cpu_us", "services")
	if r.has(storePrefix + "cpu_us") {
		r.addBars(&c, storePrefix+"cpu_us", "stores")
	}
	return c
}

// throughputChart returns a chart of the throughput: against the requested rate if there are several rates, otherwise as
// bars.
func (r *Report) throughputChart() chart.Chart {
	c := r.chart("Throughput", "requested iterations per second", r.Plan.Unit+"s per second")
	if len(r.Series) > 1 {
		c.Lines = r.byRate("throughput", "")
		return c
	}
	c.X = ""
	r.addBars(&c, "throughput", r.Plan.Unit+"s")
	return c
}

// has reports whether any member has the figure.
func (r *Report) has(figure string) bool {
	for _, s := range r.Series {
		for _, m := range s.Members {
			if _, known := m.Figure(figure); known {
				return true
			}
		}
	}
	return false
}

// byRate returns a line for each member, which is empty if the member doesn't have the figure: a member has the same
// colour in every chart, and the order of the lines decides the colours. All series have the same members.
func (r *Report) byRate(figure, variant string) []chart.Line {
	var lines []chart.Line
	for i, m := range r.Series[0].all() {
		line := chart.Line{Name: m.Name, Variant: variant}
		for _, s := range r.Series {
			if f, ok := s.all()[i].Figure(figure); ok {
				line.Points = append(line.Points, plotter.XY{X: s.Rate, Y: f.Median})
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// addBars adds a segment for the figure to each member's bar.
func (r *Report) addBars(c *chart.Chart, figure, label string) {
	for _, s := range r.Series {
		part, names := chart.Part{Name: label}, []string{}
		for _, m := range s.all() {
			f, ok := m.Figure(figure)
			if !ok {
				f.Median = math.NaN() // no bar, rather than a bar of height 0
			}
			names, part.Values = append(names, m.Name), append(part.Values, f.Median)
		}
		c.Bars, c.Parts = names, append(c.Parts, part)
	}
}
