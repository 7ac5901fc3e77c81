package measure

import (
	"io"
	"math"

	"superheroes/bench/stat"
	"superheroes/bench/svg"
)

// LatencyPlot draws the latency by percentile as SVG: of each member, the floor too, at each rate, the medians of its runs.
func (r *Report) LatencyPlot(w io.Writer) error {
	chart := r.chart("Latency of an iteration", "percentile", "ms")
	chart.Ticks = []float64{0, 50, 90, 99, 99.9, lastPercent}
	chart.Scale = func(percent float64) float64 { return nines(percent) / nines(lastPercent) }
	for _, s := range r.Series {
		for _, m := range s.all() {
			if points := m.percentiles(); len(points) > 0 {
				chart.Lines = append(chart.Lines, svg.Line{Name: m.Name + s.at(), Points: points})
			}
		}
	}
	return chart.Write(w)
}

// lastPercent is the last that is drawn: 100 lies at no finite distance.
const lastPercent = 99.99

// nines has each further nine of a percentile take the same room.
func nines(percent float64) float64 { return -math.Log10(1 - percent/100) }

// at names the rate where there is one.
func (s Series) at() string {
	if s.Rate == 0 {
		return ""
	}
	return ", " + Short(s.Rate) + "/s"
}

// all returns the floor, when it was measured, and the members.
func (s Series) all() []Member {
	if s.Floor == nil {
		return s.Members
	}
	return append([]Member{*s.Floor}, s.Members...)
}

// percentiles returns the median of each over the runs, in milliseconds.
func (m Member) percentiles() []svg.Point {
	if len(m.Runs) == 0 {
		return nil
	}
	var points []svg.Point
	for i, quantile := range m.Runs[0].Latency.Percentiles {
		var values []float64
		for _, run := range m.Runs {
			values = append(values, run.Latency.Percentiles[i].Micros/1e3)
		}
		if quantile.Percent <= lastPercent {
			points = append(points, svg.Point{X: quantile.Percent, Y: stat.Median(values)})
		}
	}
	return points
}

// CPUPlot draws the CPU time of an iteration: by the rate where there are several, else as bars of user mode, kernel and
// stores.
func (r *Report) CPUPlot(w io.Writer) error {
	chart := r.chart("CPU per "+r.Plan.Unit, "iterations a second", "us")
	if len(r.Series) > 1 {
		chart.Lines = append(r.byRate("cpu_us", ""), r.byRate(storePrefix+"cpu_us", ": stores")...)
		return chart.Write(w)
	}
	chart.X = ""
	r.addBars(&chart, "cpu_user_us", "user mode")
	r.addBars(&chart, "cpu_system_us", "kernel")
	r.addBars(&chart, storePrefix+"cpu_us", "stores")
	return chart.Write(w)
}

// ThroughputPlot draws what was done against what was asked for; without rates, what each member did, as bars.
func (r *Report) ThroughputPlot(w io.Writer) error {
	chart := r.chart("Throughput", "iterations a second asked for", r.Plan.Unit+"s a second")
	if len(r.Series) > 1 {
		asked := svg.Line{Name: "asked for"}
		for _, s := range r.Series {
			asked.Points = append(asked.Points, svg.Point{X: s.Rate, Y: s.Rate})
		}
		chart.Lines = append([]svg.Line{asked}, r.byRate("throughput", "")...)
		return chart.Write(w)
	}
	chart.X = ""
	r.addBars(&chart, "throughput", r.Plan.Unit+"s")
	return chart.Write(w)
}

func (r *Report) chart(title, x, y string) svg.Chart {
	if r.Void {
		title += " (VOID)"
	} else if r.unchecked() != "" {
		title += " (UNCHECKED)"
	}
	return svg.Chart{Title: title, X: x, Y: y}
}

// byRate returns a line of the figure for each member that has it.
func (r *Report) byRate(figure, suffix string) []svg.Line {
	var lines []svg.Line
	at := map[string]int{}
	for _, s := range r.Series {
		for _, m := range s.all() {
			f, ok := m.Figure(figure)
			if !ok {
				continue
			}
			if _, known := at[m.Name]; !known {
				at[m.Name] = len(lines)
				lines = append(lines, svg.Line{Name: m.Name + suffix})
			}
			line := &lines[at[m.Name]]
			line.Points = append(line.Points, svg.Point{X: s.Rate, Y: f.Median})
		}
	}
	return lines
}

// addBars adds the figure to the bars of the members of the one series, if any member has it.
func (r *Report) addBars(chart *svg.Chart, figure, label string) {
	for _, s := range r.Series {
		part, names, known := svg.Part{Name: label}, []string{}, false
		for _, m := range s.all() {
			f, ok := m.Figure(figure)
			if !ok {
				f.Median = math.NaN() // no bar, which a bar of 0 would not be
			}
			names, known = append(names, m.Name), known || ok
			part.Values = append(part.Values, f.Median)
		}
		if chart.Bars = names; known {
			chart.Parts = append(chart.Parts, part)
		}
	}
}
