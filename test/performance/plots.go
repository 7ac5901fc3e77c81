package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Size of a drawing, and the room around it.
const (
	width, height = 18 * vg.Centimeter, 11 * vg.Centimeter
	margin        = vg.Centimeter / 2
)

// draw writes every plot into the folder.
func (r *Results) draw(folder string) error {
	for name, plotted := range map[string]func() (*plot.Plot, error){
		"cost": r.plotCost, "connections": r.plotConnections, "sizes": r.plotSizes, "rates": r.plotRates,
	} {
		p, err := plotted()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		canvas := vgsvg.New(width, height)
		p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
		var text bytes.Buffer
		if _, err := canvas.WriteTo(&text); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name+".svg"), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func drawing(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.BackgroundColor = color.White
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	return p
}

// plotCost draws bars of the ratios to the floor at 32 connections, with those of the stores on top, and the targets as
// lines across. It is logarithmic: a bar is a few and another is fifty times the floor.
func (r *Results) plotCost() (*plot.Plot, error) {
	p := drawing("CPU per fight, 32 connections", "", "x floor")
	s := r.series(at32)
	if s == nil {
		return p, nil
	}
	var names []string
	var application, all plotter.Values
	var wanted plotter.XYs
	for _, bar := range []struct {
		cell, label string
		target      float64
	}{
		{upEco, "up\neco", 2.4}, {upStrict, "up\nstrict", 8}, {fourEco, "four\neco", 5}, {fourSingle, "four, eco\nGOMAXPROCS=1", 0},
		{fourStub, "four, strict\nno store", 22}, {fourStrict, "four\nstrict", 40},
	} {
		c := s.cell(bar.cell)
		ratio, err := s.ratio(c, cpu)
		if err != nil {
			continue
		}
		stores, _ := s.ratio(c, storeCPU) // none where there is no server
		at := float64(len(names))
		names, application, all = append(names, bar.label), append(application, ratio), append(all, ratio+stores)
		if bar.target > 0 {
			wanted = append(wanted, plotter.XY{X: at - 0.4, Y: bar.target}, plotter.XY{X: at + 0.4, Y: bar.target}, plotter.XY{X: math.NaN()})
		}
	}
	if len(names) == 0 {
		return p, nil
	}
	return p, bars(p, names, application, all, wanted)
}

func bars(p *plot.Plot, names []string, application, all plotter.Values, wanted plotter.XYs) error {
	for i, layer := range []struct {
		label  string
		values plotter.Values
	}{{"with the database servers", all}, {"application", application}} {
		chart, err := plotter.NewBarChart(layer.values, 1.4*vg.Centimeter)
		if err != nil {
			return err
		}
		chart.Color, chart.LineStyle.Width = shade(i), 0
		p.Add(chart)
		p.Legend.Add(layer.label, chart)
	}
	for i := 0; i+1 < len(wanted); i += 3 {
		line, err := plotter.NewLine(wanted[i : i+2])
		if err != nil {
			return err
		}
		line.Width, line.Color = vg.Points(2), color.Black
		p.Add(line)
		if i == 0 {
			p.Legend.Add("target", line)
		}
	}
	p.NominalX(names...)
	p.Y.Min = 0
	return nil
}

func shade(i int) color.Color {
	if i == 0 {
		return color.RGBA{R: 0xbb, G: 0xcc, B: 0xdd, A: 0xff}
	}
	return color.RGBA{R: 0x22, G: 0x66, B: 0xaa, A: 0xff}
}

// line is one of a drawing.
type line struct {
	name   string
	points plotter.XYs
}

func (l *line) add(x, y float64) {
	if x > 0 && y > 0 && !math.IsNaN(y) {
		l.points = append(l.points, plotter.XY{X: x, Y: y})
	}
}

// lines draws them over a logarithmic x.
func lines(p *plot.Plot, all []line) (*plot.Plot, error) {
	drawn := 0
	for i, l := range all {
		if len(l.points) == 0 {
			continue
		}
		drawn++
		path, dots, err := plotter.NewLinePoints(l.points)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
		path.Color, dots.Color, dots.Shape = plotutil.Color(i), plotutil.Color(i), plotutil.Shape(i)
		path.Width = vg.Points(1.5)
		p.Add(path, dots)
		p.Legend.Add(l.name, path, dots)
	}
	if drawn > 0 {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.Y.Min, p.Y.Max = 0, 1.35*p.Y.Max // room for the legend
	}
	return p, nil
}

func (r *Results) plotConnections() (*plot.Plot, error) {
	p := drawing("Throughput by connections", "connections", "iterations a second")
	s := r.series(connections)
	if s == nil {
		return p, nil
	}
	all := []line{{name: "floor"}, {name: upEco}, {name: fourEco}}
	for _, n := range r.Plan.Clients {
		for i, name := range []string{floorCell(n), atConnections(upEco, n), atConnections(fourEco, n)} {
			all[i].add(float64(n), s.cell(name).median(throughput))
		}
	}
	return lines(p, all)
}

// plotSizes draws what is flat, or should be.
func (r *Results) plotSizes() (*plot.Plot, error) {
	p := drawing("Cost by size", "rows of each roster, or fights stored (0 is drawn at 1)", "CPU us, application and store")
	var all []line
	for _, each := range []struct{ series, name string }{
		{roster, "fight by roster, up, strict"}, {rosterAlone, "pick by roster, heroes on PostgreSQL, strict"}, {stored, "fight by fights stored, up, eco"},
	} {
		l := line{name: each.name}
		if s := r.series(each.series); s != nil {
			for i := range s.Cells {
				if c := &s.Cells[i]; c.Floor != "" {
					l.add(max(1, float64(c.Size)), c.median(cpu)+c.median(storeCPU))
				}
			}
		}
		all = append(all, l)
	}
	return lines(p, all)
}

func (r *Results) plotRates() (*plot.Plot, error) {
	p := drawing("CPU of a fight by rate, application and store", "fights a second", "CPU us")
	var all []line
	s := r.series(rates)
	if s == nil {
		return p, nil
	}
	for _, name := range append([]string{"floor"}, rateNames()...) {
		l := line{name: name}
		for _, rate := range r.Plan.Rates {
			c := s.cell(atRate(name, rate))
			l.add(rate, c.median(cpu)+c.median(storeCPU))
		}
		all = append(all, l)
	}
	return lines(p, all)
}
