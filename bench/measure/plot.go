package measure

import (
	"io"
	"math"

	"gonum.org/v1/plot/plotter"

	"superheroes/bench/chart"
	"superheroes/bench/stat"
)

// LatencyPlot writes an SVG plot of latency by percentile. For each rate, it has one line per member and one for the
// floor server. The values are medians over the runs.
func (r *Report) LatencyPlot(w io.Writer) error {
	c := r.chart("Iteration latency", "percentile, %", "latency, ms")
	c.Ticks = []float64{0, 50, 90, 99, 99.9, lastPercent}
	c.Scale = nines
	for _, s := range r.Series {
		for _, m := range s.all() {
			if points := m.percentiles(); len(points) > 0 {
				c.Lines = append(c.Lines, chart.Line{Name: m.Name + s.at(), Points: points})
			}
		}
	}
	return c.Write(w)
}

// lastPercent is the highest percentile in the plot: on a scale that counts the nines (90, 99, 99.9), 100 would be at
// infinity.
const lastPercent = 99.99

// nines is an axis scale on which 90, 99, 99.9 and so on are the same distance apart.
func nines(percent float64) float64 { return -math.Log10(1 - percent/100) }

// at returns the rate as a suffix for names, or "" in the closed model.
func (s Series) at() string {
	if s.Rate == 0 {
		return ""
	}
	return ", " + Short(s.Rate) + "/s"
}

// all returns the floor server, if it was measured, followed by the members.
func (s Series) all() []Member {
	if s.Floor == nil {
		return s.Members
	}
	return append([]Member{*s.Floor}, s.Members...)
}

// percentiles returns the median of each percentile over the runs, in milliseconds.
func (m Member) percentiles() plotter.XYs {
	if len(m.Runs) == 0 {
		return nil
	}
	var points plotter.XYs
	for i, quantile := range m.Runs[0].Latency.Percentiles {
		var values []float64
		for _, run := range m.Runs {
			values = append(values, run.Latency.Percentiles[i].Micros/1e3)
		}
		if quantile.Percent <= lastPercent {
			points = append(points, plotter.XY{X: quantile.Percent, Y: stat.Median(values)})
		}
	}
	return points
}

// CPUPlot plots the CPU time per iteration: against the rate if there are several rates, otherwise as bars split into
// user mode, kernel and stores.
func (r *Report) CPUPlot(w io.Writer) error {
	c := r.chart("CPU per "+r.Plan.Unit, "iterations per second", "CPU, us")
	if len(r.Series) > 1 {
		c.Lines = append(r.byRate("cpu_us", ""), r.byRate(storePrefix+"cpu_us", ": stores")...)
		return c.Write(w)
	}
	c.X = ""
	r.addBars(&c, "cpu_user_us", "user mode")
	r.addBars(&c, "cpu_system_us", "kernel")
	r.addBars(&c, storePrefix+"cpu_us", "stores")
	return c.Write(w)
}

// ThroughputPlot plots the achieved rate against the requested rate if there are several rates, otherwise the
// throughput of each member as a bar.
func (r *Report) ThroughputPlot(w io.Writer) error {
	c := r.chart("Throughput", "requested iterations per second", r.Plan.Unit+"s per second")
	if len(r.Series) > 1 {
		asked := chart.Line{Name: "requested"}
		for _, s := range r.Series {
			asked.Points = append(asked.Points, plotter.XY{X: s.Rate, Y: s.Rate})
		}
		c.Lines = append([]chart.Line{asked}, r.byRate("throughput", "")...)
		return c.Write(w)
	}
	c.X = ""
	r.addBars(&c, "throughput", r.Plan.Unit+"s")
	return c.Write(w)
}

func (r *Report) chart(title, x, y string) chart.Chart {
	if r.Void {
		title += " (VOID)"
	} else if r.unchecked() != "" {
		title += " (UNCHECKED)"
	}
	return chart.Chart{Title: title, X: x, Y: y}
}

// byRate returns a line for each member that has the figure. All series have the same members.
func (r *Report) byRate(figure, suffix string) []chart.Line {
	var lines []chart.Line
	for i, m := range r.Series[0].all() {
		line := chart.Line{Name: m.Name + suffix}
		for _, s := range r.Series {
			if f, ok := s.all()[i].Figure(figure); ok {
				line.Points = append(line.Points, plotter.XY{X: s.Rate, Y: f.Median})
			}
		}
		if len(line.Points) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// addBars adds a segment for the figure to each member's bar, unless no member has the figure.
func (r *Report) addBars(c *chart.Chart, figure, label string) {
	for _, s := range r.Series {
		part, names, known := chart.Part{Name: label}, []string{}, false
		for _, m := range s.all() {
			f, ok := m.Figure(figure)
			if !ok {
				f.Median = math.NaN() // no bar, rather than a bar of height 0
			}
			names, known = append(names, m.Name), known || ok
			part.Values = append(part.Values, f.Median)
		}
		if c.Bars = names; known {
			c.Parts = append(c.Parts, part)
		}
	}
}
