// Package chart draws the reports' line and bar charts as SVG, using gonum/plot in a single style: white background,
// legend beside the plot, one colour per name. The same data always produces byte-identical files.
package chart

import (
	"bytes"
	"errors"
	"image/color"
	"io"
	"os"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"superheroes/bench/format"
)

// Chart describes a line or bar chart. The vertical axis starts at 0. Values that can't be drawn, such as NaN, are
// skipped.
type Chart struct {
	Title, X, Y string // X and Y are the axis labels, with units

	Lines []Line
	Scale func(x float64) float64 // for line charts: maps x to a position on the axis; nil: linear axis
	Ticks []float64               // for line charts: tick marks on the x axis; chosen automatically if empty

	Bars  []string // names of the bars
	Parts []Part   // the segments of each bar, bottom to top
}

// Baseline is the name of the line or bar that the others are compared with. It is grey.
const Baseline = "floor"

// Line holds the points of a line, which are connected in the given order. Lines with the same name have the same
// colour, and lines with the same variant have the same dashes; the legend lists both.
type Line struct {
	Name    string
	Variant string // may be empty
	Points  plotter.XYs
}

// Part is one segment of the stacked bars, with its size in each bar: the first in the bar's colour, the others in
// lighter shades of it. A bar with no values is labelled "not known".
type Part struct {
	Name   string
	Values []float64
}

const (
	width, height = 9 * vg.Inch, 4.5 * vg.Inch
	margin        = 0.15 * vg.Inch
)

// Write writes the chart as SVG.
func (c Chart) Write(w io.Writer) error {
	p := c.empty()
	if err := errors.Join(c.addLines(p), c.addBars(p)); err != nil {
		return err
	}
	if p.Y.Max <= 0 { // no value is positive, so any height will do
		p.Y.Max = 1
	}
	canvas := vgsvg.New(width, height)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Path())
	page = draw.Crop(page, margin, -margin, margin, -margin)

	legend := p.Legend
	p.Legend = plot.NewLegend()
	box := legend.Rectangle(page)
	right := (box.Max.X - box.Min.X) * 5 / 4 // extra width, in case the viewer's font is wider
	legend.YOffs = -2 * p.Title.TextStyle.FontExtents().Height
	legend.Draw(draw.Crop(page, page.Max.X-page.Min.X-right, 0, 0, 0))
	p.Draw(draw.Crop(page, 0, -right-2*margin, 0, 0))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	const embedded, available = "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,sans-serif"
	_, err := w.Write(bytes.ReplaceAll(svg.Bytes(), []byte(embedded), []byte(available)))
	return err
}

// empty returns a plot that has a title, axes and a grid but no data.
func (c Chart) empty() *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	p.Title.TextStyle.Font.Size = 14
	p.Title.Padding, p.X.Label.Padding, p.Y.Label.Padding = margin, margin/2, margin/2
	for _, style := range []*text.Style{
		&p.Title.TextStyle, &p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle,
	} {
		style.Font.Variant = "Sans"
	}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, margin/3 // Left: each line sample precedes its name
	p.BackgroundColor = nil                                              // Write has already filled the background
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(ticks), plot.TickerFunc(ticks)
	p.Y.Min = 0
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{0xdd}, color.Gray{0xdd}
	if len(c.Bars) > 0 {
		grid.Vertical.Color = nil
	}
	p.Add(grid)
	return p
}

// ticks returns gonum's default ticks, with trailing zeros removed from the labels.
func ticks(low, high float64) []plot.Tick {
	marks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range marks {
		if !marks[i].IsMinor() {
			rounded, _ := strconv.ParseFloat(strconv.FormatFloat(marks[i].Value, 'g', 6, 64), 64) // can't fail, since it was just formatted
			marks[i].Label = format.Exact(rounded)
		}
	}
	return marks
}

// addLines adds the lines to the plot, with x values mapped through Scale.
func (c Chart) addLines(p *plot.Plot) error {
	at := c.Scale
	if at == nil {
		at = func(x float64) float64 { return x }
	}
	if len(c.Ticks) > 0 {
		marks := make(plot.ConstantTicks, len(c.Ticks))
		for i, tick := range c.Ticks {
			marks[i] = plot.Tick{Value: at(tick), Label: format.Exact(tick)}
		}
		p.X.Tick.Marker, p.X.Min, p.X.Max = marks, marks[0].Value, marks[len(marks)-1].Value
	} else if len(c.Lines) > 0 {
		p.X.Min = 0
	}
	var names, variants []string
	for _, l := range c.Lines {
		names, variants = append(names, l.Name), append(variants, l.Variant)
	}
	names, variants = Distinct(names), Distinct(variants)
	for _, l := range c.Lines {
		var drawable plotter.XYs
		for _, point := range l.Points {
			if point.X = at(point.X); plotter.CheckFloats(point.X, point.Y) == nil {
				drawable = append(drawable, point)
			}
		}
		line, points, err := plotter.NewLinePoints(drawable)
		if err != nil {
			return err
		}
		look := lineStyle(hue(names, l.Name), slices.Index(variants, l.Variant))
		line.LineStyle, points.GlyphStyle = look, draw.GlyphStyle{Color: look.Color, Shape: draw.CircleGlyph{}, Radius: 2.5}
		p.Add(line, points)
	}
	explain(&p.Legend, names, variants)
	return nil
}

func (c Chart) addBars(p *plot.Plot) error {
	if len(c.Bars) == 0 {
		return nil
	}
	p.NominalX(c.Bars...)
	tops := plotter.XYLabels{XYs: make(plotter.XYs, len(c.Bars)), Labels: make([]string, len(c.Bars))}
	for i := range c.Bars {
		tops.XYs[i].X, tops.Labels[i] = float64(i), "not known"
	}
	below := make([]*plotter.BarChart, len(c.Bars))
	for j, part := range c.Parts {
		for i, value := range part.Values {
			if plotter.CheckFloats(value) != nil {
				continue
			}
			tops.XYs[i].Y += value
			tops.Labels[i] = format.Number(tops.XYs[i].Y)
			bar, err := segment(i, value, shade(hue(Distinct(c.Bars), c.Bars[i]), j), below[i])
			if err != nil {
				return err
			}
			p.Add(bar)
			below[i] = bar
		}
		if sample, err := segment(0, 0, shade(ink(), j), nil); err != nil {
			return err
		} else if len(c.Parts) > 1 {
			p.Legend.Add(part.Name, sample)
		}
	}
	labels, err := plotter.NewLabels(tops)
	if err != nil {
		return err
	}
	labels.Offset.Y = 3
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font.Variant, labels.TextStyle[i].XAlign = "Sans", draw.XCenter
	}
	p.Add(labels)
	return nil
}

// segment returns the segment of a bar, on top of the one below, which may be nil.
func segment(bar int, value float64, of color.Color, below *plotter.BarChart) (*plotter.BarChart, error) {
	drawn, err := plotter.NewBarChart(plotter.Values{value}, 40)
	if err != nil {
		return nil, err
	}
	drawn.XMin, drawn.Color, drawn.LineStyle.Width = float64(bar), of, 0
	if below != nil {
		drawn.StackOn(below)
	}
	return drawn, nil
}

// Save writes the chart to a file.
func (c Chart) Save(path string) error {
	var svg bytes.Buffer
	if err := c.Write(&svg); err != nil {
		return err
	}
	return os.WriteFile(path, svg.Bytes(), 0o644)
}
