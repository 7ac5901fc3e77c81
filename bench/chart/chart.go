// Package chart draws the reports' line and bar charts as SVG, using gonum/plot in a single style: white background,
// legend beside the plot. The same data always produces byte-identical files.
package chart

import (
	"bytes"
	"errors"
	"image/color"
	"io"
	"math"
	"os"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
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

// Line holds the points of a line, which are connected in the given order.
type Line struct {
	Name   string
	Points plotter.XYs
}

// Part is one segment of the stacked bars, with its size in each bar. A bar with no values is labelled "not known".
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
			marks[i].Label = strconv.FormatFloat(marks[i].Value, 'g', 6, 64)
		}
	}
	return marks
}

// hue returns a colour from the Okabe-Ito palette, whose colours are distinguishable with any form of colour blindness.
func hue(i int) color.Color {
	palette := []color.RGBA{
		{0x00, 0x72, 0xb2, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xd5, 0x5e, 0x00, 0xff},
		{0xcc, 0x79, 0xa7, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x00, 0x00, 0x00, 0xff},
	}
	return palette[i%len(palette)]
}

// dashes returns a dash pattern that keeps lines distinguishable once colours repeat.
func dashes(i int) []vg.Length {
	return [][]vg.Length{nil, {6, 3}, {2, 3}}[i/7%3]
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
			marks[i] = plot.Tick{Value: at(tick), Label: strconv.FormatFloat(tick, 'f', -1, 64)}
		}
		p.X.Tick.Marker, p.X.Min, p.X.Max = marks, marks[0].Value, marks[len(marks)-1].Value
	} else if len(c.Lines) > 0 {
		p.X.Min = 0
	}
	for i, l := range c.Lines {
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
		line.Color, line.Width, line.Dashes = hue(i), 1.5, dashes(i)
		points.Color, points.Shape, points.Radius = hue(i), draw.CircleGlyph{}, 2.5
		p.Add(line, points)
		p.Legend.Add(l.Name, line, points)
	}
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
	var below *plotter.BarChart
	for j, part := range c.Parts {
		heights := make(plotter.Values, len(c.Bars))
		for i, value := range part.Values {
			if plotter.CheckFloats(value) == nil {
				heights[i] = value
				tops.XYs[i].Y += value
				tops.Labels[i] = short(tops.XYs[i].Y)
			}
		}
		bars, err := plotter.NewBarChart(heights, 40)
		if err != nil {
			return err
		}
		bars.Color, bars.LineStyle.Width = hue(j), 0
		if below != nil {
			bars.StackOn(below)
		}
		p.Add(bars)
		p.Legend.Add(part.Name, bars)
		below = bars
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

// short formats x with four significant digits, but never drops digits before the decimal point.
func short(x float64) string {
	if x >= 1000 {
		return strconv.FormatFloat(math.Round(x), 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// Save writes the chart to a file.
func (c Chart) Save(path string) error {
	var svg bytes.Buffer
	if err := c.Write(&svg); err != nil {
		return err
	}
	return os.WriteFile(path, svg.Bytes(), 0o644)
}
