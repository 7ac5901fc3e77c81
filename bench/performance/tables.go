package performance

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"superheroes/bench/energy"
	"superheroes/bench/measure"
)

// table returns a Markdown table.
func table(head []string, rows [][]string) string {
	var text strings.Builder
	line := func(cells []string) {
		text.WriteString("|")
		for _, cell := range cells {
			text.WriteString(" " + cell + " |")
		}
		text.WriteString("\n")
	}
	line(head)
	text.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return text.String()
}

func (r *Results) targetTable() string {
	var rows [][]string
	for _, t := range r.targets() {
		rows = append(rows, []string{t.What, t.Wanted, orDash(t.Reached), orDash(t.Spread), orDash(t.Floor), orDash(string(t.Verdict))})
	}
	return table([]string{"what", "target", "reached", "spread of the runs", "floor", ""}, rows)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// column is a column in the table of a series.
type column struct {
	head   string
	figure string
	scale  float64
}

func columns() []column {
	return []column{
		{"per second", throughput, 1}, {"p50 ms", p50, 1e-3}, {"p99 ms", p99, 1e-3},
		{"application CPU us", cpu, 1}, {"store CPU us", storeCPU, 1}, {"generator CPU us", generator, 1},
		{"HTTP bytes", httpBytes, 1}, {"read and write calls", calls, 1}, {"switches", switches, 1}, {"MiB", memory, 1},
	}
}

// table returns the table of a series: medians, with the ratios of application and stores to the floor.
func (s *Series) table() string {
	head := []string{"target"}
	for _, c := range columns() {
		head = append(head, c.head)
		if c.figure == cpu || c.figure == storeCPU {
			head = append(head, "x floor")
		}
	}
	head = append(head, "runs")
	var rows [][]string
	for i := range s.Cells {
		rows = append(rows, s.row(&s.Cells[i]))
	}
	return table(head, rows) + s.voids()
}

func (s *Series) row(c *Cell) []string {
	name := c.Name
	if c.Rate > 0 && s.Name != rates {
		name += fmt.Sprintf(", open model at %s/s", thousands(c.Rate))
	}
	row := []string{name}
	for _, column := range columns() {
		value := "-"
		if !c.Enough {
			value = string(void)
		} else if c.has(column.figure) {
			value = number(c.median(column.figure) * column.scale)
		}
		row = append(row, value)
		if column.figure == cpu || column.figure == storeCPU {
			row = append(row, s.ratioText(c, column.figure))
		}
	}
	runs := fmt.Sprint(c.Valid)
	if c.Runs > c.Valid {
		runs = fmt.Sprintf("%d of %d", c.Valid, c.Runs)
	}
	return append(row, runs)
}

func (s *Series) ratioText(c *Cell, figure string) string {
	if c.Floor == "" {
		return "1"
	}
	ratio, err := s.ratio(c, c.Floor, figure)
	if err != nil {
		if absent(err) == void {
			return string(void)
		}
		return "-"
	}
	return number(ratio)
}

// voids lists the void runs with the first reason of each cell.
func (s *Series) voids() string {
	var text strings.Builder
	for _, c := range s.Cells {
		if len(c.Void) == 0 {
			continue
		}
		if text.Len() == 0 {
			text.WriteString("\nVOID runs, not included in the figures:\n\n")
		}
		fmt.Fprintf(&text, "- %s: %d of %d; %s\n", c.Name, len(c.Void), c.Runs, c.Void[0])
	}
	return text.String()
}

// partsTable returns the table of CPU time per fight by process.
func (s *Series) partsTable(parts []string) string {
	var rows [][]string
	for i := range s.Cells {
		c := &s.Cells[i]
		if !c.Enough || c.Floor == "" {
			continue
		}
		row := []string{c.Name}
		for _, name := range parts {
			row = append(row, figureText(c, partCPU+name))
		}
		rows = append(rows, row)
	}
	return table(append([]string{"target"}, parts...), rows)
}

func figureText(c *Cell, figure string) string {
	if c.has(figure) {
		return number(c.median(figure))
	}
	return "-"
}

func allParts() []string {
	return []string{"up", "fights", "heroes", "villains", "locations", "PostgreSQL", "MariaDB", mongoName}
}

// idleTable returns the table of what processes use without load.
func (r *Results) idleTable() string {
	var rows [][]string
	for _, each := range r.Idle {
		name := each.Name
		if each.Store {
			name += " (not ours)"
		}
		rows = append(rows, []string{name, fmt.Sprintf("%.3f", 100*each.CPU), fmt.Sprintf("%.1f", each.RSS), fmt.Sprintf("%.1f", each.PSS)})
	}
	return table([]string{"process", "CPU, % of a core", "resident MiB", "proportional MiB"}, rows)
}

// modelTable returns the table of what each rate requires.
func (u unitCosts) modelTable() string {
	var rows [][]string
	for _, rate := range modelRates() {
		f := u.forecast(rate)
		first := f.first()
		rows = append(rows, []string{
			thousands(rate), number(f.fights), number(f.catalogs), number(f.catalogStores), number(f.stores), number(f.written / 1e6),
			number(f.wire * 8 / 1e9), number(f.packets / 1e6),
			fmt.Sprintf("%s, by %s: %s", first.name, first.why, nodes(first)),
		})
	}
	return table([]string{"fights per second", "cores, fights", "cores, catalogs", "cores, their stores", "cores, fight store",
		"MB/s to storage", "Gbit/s", "million packets/s", "saturates first"}, rows)
}

func nodes(t tier) string {
	if t.nodes <= 1 {
		return fmt.Sprintf("%.0f %% of a node", 100*t.nodes)
	}
	return thousands(t.count()) + " nodes"
}

func (r *Results) checkTable() string {
	var rows [][]string
	for _, c := range r.checks() {
		rows = append(rows, []string{c.name, fmt.Sprint(c.connections), thousands(c.through), number(c.predicted), number(c.measured), c.off(), number(c.store)})
	}
	return table([]string{"", "connections", "fights per second", "predicted CPU us", "measured CPU us", "off by", "stores' CPU us"}, rows)
}

// number formats a number as bench reports do, with commas in large ones.
func number(n float64) string {
	if size := math.Abs(n); size >= 1000 && !math.IsInf(n, 0) {
		return thousands(n)
	}
	return measure.Short(n)
}

// thousands formats a whole number with commas.
func thousands(n float64) string { return humanize.Comma(int64(math.RoundToEven(n))) }

// meter says what RAPL counts on this machine, or why it isn't available.
func meter() string {
	m, err := energy.Open(energy.Powercap)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("RAPL counts %v", m.Zones())
}

// modelled returns the modelled energy per fight in microjoules, from the CPU time of application and stores.
func modelled(c *Cell) float64 {
	return energy.CloudCarbonFootprint().Joules(c.median(cpu) + c.median(storeCPU))
}

// energyTable returns the table of energy per fight at the family's rates, in three tiers.
func (r *Results) energyTable() string {
	head := []string{"", "measured uJ", "idle W, subtracted", "modelled uJ", "application CPU us", "store CPU us", "idle application, % of a core", "idle stores, % of a core",
		"calls", "switches", "HTTP bytes", "bytes to storage", "p50 ms"}
	var rows [][]string
	s := r.series(rates)
	if s == nil {
		return table(head, nil)
	}
	for i := range s.Cells {
		c := &s.Cells[i]
		if !c.Enough {
			rows = append(rows, append([]string{c.Name}, slices.Repeat([]string{string(void)}, len(head)-1)...))
			continue
		}
		row := []string{c.Name, figureText(c, joules), figureText(c, idleWatts), number(modelled(c)), figureText(c, cpu), figureText(c, storeCPU),
			percent(c, idleCPU), percent(c, idleStore)}
		for _, name := range []string{calls, switches, httpBytes, storage} {
			row = append(row, figureText(c, name))
		}
		rows = append(rows, append(row, number(c.median(p50)/1e3)))
	}
	return table(head, rows) + s.voids()
}

func percent(c *Cell, figure string) string {
	if !c.has(figure) {
		return "-"
	}
	return fmt.Sprintf("%.3f", 100*c.median(figure))
}
