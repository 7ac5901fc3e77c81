package performance

import (
	"bytes"
	"math"
	"os"
	"path/filepath"

	"superheroes/bench/svg"
)

// draw writes every plot into the folder.
func (r *Results) draw(folder string) error {
	for name, chart := range map[string]svg.Chart{
		"cost": r.plotCost(), "connections": r.plotConnections(), "sizes": r.plotSizes(), "rates": r.plotRates(),
	} {
		var text bytes.Buffer
		if err := chart.Write(&text); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name+".svg"), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// plotCost draws bars of the ratios to the floor at 32 connections, with those of the database servers on top. What is
// void or wasn't measured has no bar.
func (r *Results) plotCost() svg.Chart {
	chart := svg.Chart{Title: "CPU per fight, 32 connections", Y: "x floor"}
	s := r.series(at32)
	if s == nil {
		return chart
	}
	application, stores := svg.Part{Name: "application"}, svg.Part{Name: "database servers"}
	for _, bar := range []struct{ cell, label string }{
		{upEco, "up, eco"}, {upStrict, "up, strict"}, {fourEco, "four, eco"},
		{fourStub, "no store"}, {fourStrict, "four, strict"},
	} {
		c := s.cell(bar.cell)
		ratio, err := s.ratio(c, cpu)
		if err != nil {
			continue
		}
		store, err := s.ratio(c, storeCPU)
		if err != nil {
			store = math.NaN() // there is no server
		}
		chart.Bars = append(chart.Bars, bar.label)
		application.Values, stores.Values = append(application.Values, ratio), append(stores.Values, store)
	}
	chart.Parts = []svg.Part{application, stores}
	return chart
}

// lines is a chart over a logarithmic axis from the least to the greatest of these.
func lines(title, x, y string, ticks []float64, all []svg.Line) svg.Chart {
	chart := svg.Chart{Title: title, X: x, Y: y, Lines: all, Ticks: ticks}
	if len(ticks) > 1 {
		low, high := math.Log(ticks[0]), math.Log(ticks[len(ticks)-1])
		chart.Scale = func(x float64) float64 { return (math.Log(x) - low) / (high - low) }
	}
	return chart
}

// add adds a point, unless there is nothing to draw.
func add(l *svg.Line, x, y float64) {
	if y > 0 {
		l.Points = append(l.Points, svg.Point{X: x, Y: y})
	}
}

func (r *Results) plotConnections() svg.Chart {
	all := []svg.Line{{Name: "floor"}, {Name: upEco}, {Name: fourEco}}
	var ticks []float64
	for _, n := range r.Plan.Clients {
		ticks = append(ticks, float64(n))
		for i, name := range []string{floorCell(n), atConnections(upEco, n), atConnections(fourEco, n)} {
			add(&all[i], float64(n), r.cell(connections, name).median(throughput))
		}
	}
	return lines("Throughput by connections", "connections", "iterations a second", ticks, all)
}

// plotSizes draws what is flat, or should be.
func (r *Results) plotSizes() svg.Chart {
	var all []svg.Line
	for _, each := range []struct{ series, name string }{
		{roster, "fight by roster, up"}, {rosterAlone, "pick by roster, heroes"}, {stored, "fight by fights, up"},
	} {
		l := svg.Line{Name: each.name}
		if s := r.series(each.series); s != nil {
			for i := range s.Cells {
				if c := &s.Cells[i]; c.Floor != "" {
					add(&l, max(smallest, float64(c.Size)), c.median(cpu)+c.median(storeCPU))
				}
			}
		}
		all = append(all, l)
	}
	return lines("Cost by size", "rows of each roster, or fights stored (none is drawn at 100)", "CPU us, application and store",
		[]float64{smallest, 1000, 10_000, 100_000, 1_000_000}, all)
}

// smallest is where the smallest size is drawn.
const smallest = 100

func (r *Results) plotRates() svg.Chart {
	var all []svg.Line
	for _, name := range append([]string{"floor"}, rateNames()...) {
		l := svg.Line{Name: name}
		for _, rate := range r.Plan.Rates {
			c := r.cell(rates, atRate(name, rate))
			add(&l, rate, c.median(cpu)+c.median(storeCPU))
		}
		all = append(all, l)
	}
	return lines("CPU of a fight by rate", "fights a second", "CPU us, application and store", r.Plan.Rates, all)
}
