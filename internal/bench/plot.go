package bench

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"superheroes/internal/bench/stat"
)

// Size of a drawing.
const (
	drawnWidth, drawnHeight = 18 * vg.Centimeter, 11 * vg.Centimeter
	margin                  = vg.Centimeter / 2
	headroom                = 1.35 // for the legend, above the largest value
)

// line is one of a drawing.
type line struct {
	name   string
	points plotter.XYs
}

// LatencyPlot draws the latency by percentile as SVG: of each member, the floor too, at each rate, the medians of its runs.
func (r *Report) LatencyPlot(w io.Writer) error {
	var lines []line
	for _, s := range r.Series {
		for _, m := range append(s.floors(), s.Members...) {
			if points := m.percentiles(); len(points) > 0 {
				lines = append(lines, line{m.Name + s.at(), points})
			}
		}
	}
	p := r.drawing("Latency of an iteration", "percentile", "ms")
	p.X.Scale, p.X.Tick.Marker = farTail{}, percentTicks()
	p.X.Max = lastPercent
	return drawLines(w, p, lines)
}

// at names the rate where there is one.
func (s Series) at() string {
	if s.Rate == 0 {
		return ""
	}
	return ", " + short(s.Rate) + "/s"
}

// percentiles returns the median of each over the runs, in milliseconds.
func (m Member) percentiles() plotter.XYs {
	var points plotter.XYs
	if len(m.Runs) == 0 {
		return nil
	}
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

// lastPercent is the last that is drawn: 100 lies at no finite distance.
const lastPercent = 99.99

// farTail gives each further nine of a percentile the same room.
type farTail struct{}

// Normalize implements plot.Normalizer.
func (farTail) Normalize(_, largest, x float64) float64 { return nines(x) / nines(largest) }

func nines(percent float64) float64 { return -math.Log10(1 - percent/100) }

func percentTicks() plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for _, percent := range []float64{0, 50, 90, 99, 99.9, 99.99} {
		ticks = append(ticks, plot.Tick{Value: percent, Label: strconv.FormatFloat(percent, 'f', -1, 64)})
	}
	return ticks
}

// CPUPlot draws the CPU time of an iteration: by the rate where there are several, else as bars of user mode, kernel and
// stores.
func (r *Report) CPUPlot(w io.Writer) error {
	p := r.drawing("CPU per "+r.Plan.Unit, "iterations a second", "us")
	if len(r.Series) > 1 {
		return drawLines(w, p, r.byRate("cpu_us", "store_cpu_us"))
	}
	p.X.Label.Text, p.X.Min = "", math.Inf(1)
	return r.drawBars(w, p, []bar{{"user mode", "cpu_user_us"}, {"kernel", "cpu_system_us"}, {"stores", "store_cpu_us"}})
}

// ThroughputPlot draws what was done against what was asked for; without rates, what each member did, as bars.
func (r *Report) ThroughputPlot(w io.Writer) error {
	p := r.drawing("Throughput", "iterations a second asked for", r.Plan.Unit+"s a second")
	if len(r.Series) > 1 {
		lines := r.byRate("throughput")
		asked := line{name: "asked for"}
		for _, s := range r.Series {
			asked.points = append(asked.points, plotter.XY{X: s.Rate, Y: s.Rate})
		}
		return drawLines(w, p, append([]line{asked}, lines...))
	}
	p.X.Label.Text, p.X.Min = "", math.Inf(1)
	return r.drawBars(w, p, []bar{{r.Plan.Unit + "s", "throughput"}})
}

func (r *Report) drawing(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	if r.Void {
		p.Title.Text += " (VOID)"
	}
	p.X.Min, p.Y.Min = 0, 0
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	return p
}

// byRate returns a line for each member and figure that it has.
func (r *Report) byRate(names ...string) []line {
	var lines []line
	at := map[string]int{}
	for _, s := range r.Series {
		for _, m := range append(s.floors(), s.Members...) {
			for i, name := range names {
				figure, ok := m.Figure(name)
				if !ok {
					continue
				}
				label := m.Name
				if i > 0 {
					label += ": stores"
				}
				if _, known := at[label]; !known {
					at[label] = len(lines)
					lines = append(lines, line{name: label})
				}
				of := &lines[at[label]]
				of.points = append(of.points, plotter.XY{X: s.Rate, Y: figure.Median})
			}
		}
	}
	return lines
}

// bar is a part of each member's bar.
type bar struct{ label, figure string }

// drawBars draws a bar for each member of the one series, its parts on top of each other.
func (r *Report) drawBars(w io.Writer, p *plot.Plot, parts []bar) error {
	var names []string
	for _, s := range r.Series {
		members := append(s.floors(), s.Members...)
		for _, m := range members {
			names = append(names, m.Name)
		}
		var below *plotter.BarChart
		for i, part := range parts {
			values, known := valuesOf(members, part.figure)
			if !known {
				continue
			}
			chart, err := plotter.NewBarChart(values, 1.5*vg.Centimeter)
			if err != nil {
				return err
			}
			chart.Color, chart.LineStyle.Width = plotutil.Color(i), 0
			if below != nil {
				chart.StackOn(below)
			}
			below = chart
			p.Add(chart)
			p.Legend.Add(part.label, chart)
		}
	}
	if len(names) > 0 {
		p.NominalX(names...)
	}
	return svg(w, p)
}

func valuesOf(members []Member, name string) (values plotter.Values, known bool) {
	for _, m := range members {
		figure, ok := m.Figure(name)
		values, known = append(values, figure.Median), known || ok
	}
	return values, known
}

func drawLines(w io.Writer, p *plot.Plot, lines []line) error {
	for i, l := range lines {
		drawn, dots, err := plotter.NewLinePoints(l.points)
		if err != nil {
			return fmt.Errorf("drawing %s: %w", l.name, err)
		}
		drawn.Color, dots.Color = plotutil.Color(i), plotutil.Color(i)
		drawn.Dashes, dots.Shape = plotutil.Dashes(i/plotColors), plotutil.Shape(i)
		p.Add(drawn, dots)
		p.Legend.Add(l.name, drawn, dots)
	}
	return svg(w, p)
}

// plotColors is how many lines have a colour of their own before dashes tell them apart.
const plotColors = 7

func svg(w io.Writer, p *plot.Plot) error {
	p.Y.Max *= headroom
	canvas := vgsvg.New(drawnWidth, drawnHeight)
	p.Draw(draw.Crop(draw.New(canvas), margin, -2*margin, margin, -margin))
	_, err := canvas.WriteTo(w)
	return err
}
