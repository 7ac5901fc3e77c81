package performance

import (
	"math"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/plotter"

	"superheroes/bench/chart"
)

// draw writes all plots to the folder.
func (r *Results) draw(folder string) error {
	for name, drawn := range map[string]chart.Chart{
		"cost": r.plotCost(), "connections": r.plotConnections(), "sizes": r.plotSizes(), "rates": r.plotRates(),
	} {
		if name != "sizes" { // every other plot shows targets that use all servers
			drawn.Title += r.storesLine()
		}
		if err := drawn.Save(filepath.Join(folder, name+".svg")); err != nil {
			return err
		}
	}
	return nil
}

// storesLine returns the second line of the title of a plot: the names of the database servers.
func (r *Results) storesLine() string {
	var names []string
	for _, store := range r.Stores {
		name, _, _ := strings.Cut(store, ",") // the rest says how the server was started
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return "\nstores: " + strings.Join(names, ", ")
}

// plotCost draws a bar chart of CPU times at 32 connections, as multiples of the floor server's CPU time, with the
// database servers stacked on top. Void or missing cells have no bar.
func (r *Results) plotCost() chart.Chart {
	c := chart.Chart{Title: "CPU per fight, 32 connections", Y: "CPU, multiples of the floor"}
	s := r.series(at32)
	application, stores := chart.Part{Name: "application"}, chart.Part{Name: "database servers"}
	for _, bar := range []struct{ cell, label string }{
		{upEco, "up, eco"}, {upStrict, "up, strict"}, {fourEco, "four, eco"},
		{fourStub, "no store"}, {fourStrict, "four, strict"},
	} {
		cell := s.cell(bar.cell)
		ratio, err := s.ratio(cell, floorCell(usual), cpu)
		if err != nil {
			continue
		}
		store, err := s.ratio(cell, floorCell(usual), storeCPU)
		if err != nil {
			store = math.NaN() // no database server
		}
		c.Bars = append(c.Bars, bar.label)
		application.Values, stores.Values = append(application.Values, ratio), append(stores.Values, store)
	}
	c.Parts = []chart.Part{application, stores}
	return c
}

// lines returns a line chart with a logarithmic x axis that spans the ticks.
func lines(title, x, y string, ticks []float64, all []chart.Line) chart.Chart {
	return chart.Chart{Title: title, X: x, Y: y, Lines: all, Ticks: ticks, Scale: math.Log}
}

// add adds a point to a line, unless y is 0.
func add(l *chart.Line, x, y float64) {
	if y > 0 {
		l.Points = append(l.Points, plotter.XY{X: x, Y: y})
	}
}

func (r *Results) plotConnections() chart.Chart {
	all := []chart.Line{{Name: "floor"}, {Name: upEco}, {Name: fourEco}}
	var ticks []float64
	for _, n := range r.Plan.Clients {
		ticks = append(ticks, float64(n))
		for i, name := range []string{floorCell(n), atConnections(upEco, n), atConnections(fourEco, n)} {
			add(&all[i], float64(n), r.cell(connections, name).median(throughput))
		}
	}
	return lines("Throughput by number of connections", "connections", "throughput, iterations per second", ticks, all)
}

// plotSizes plots the costs that should not depend on the size of rosters and stores.
func (r *Results) plotSizes() chart.Chart {
	var all []chart.Line
	for _, each := range []struct{ series, name string }{
		{roster, "fight by roster, up"}, {rosterAlone, "pick by roster, heroes"}, {stored, "fight by fights, up"},
	} {
		l := chart.Line{Name: each.name}
		if s := r.series(each.series); s != nil {
			for i := range s.Cells {
				if c := &s.Cells[i]; c.Floor != "" {
					add(&l, max(smallest, float64(c.Size)), c.median(cpu)+c.median(storeCPU))
				}
			}
		}
		all = append(all, l)
	}
	return lines("Cost by size", "rows of each roster, or stored fights (0 is drawn at 100)",
		"CPU of application and store, us", []float64{smallest, 1000, 10_000, 100_000, 1_000_000}, all)
}

// smallest is the position at which size 0 is drawn, since a logarithmic axis has no 0.
const smallest = 100

// plotRates plots the cost of an iteration of the family's load test by rate.
func (r *Results) plotRates() chart.Chart {
	var all []chart.Line
	for _, name := range scenarioNames() {
		l := chart.Line{Name: name}
		for _, rate := range r.Plan.Rates {
			if sum := r.cell(scenario, atRate(name, rate)).together(cpu, storeCPU); len(sum) > 0 {
				add(&l, rate, sum.Median())
			}
		}
		all = append(all, l)
	}
	return lines("CPU per iteration by rate", "family iterations per second", "CPU of services and stores, us", r.Plan.Rates, all)
}
