package performance

import (
	"fmt"

	"superheroes/bench/energy"
)

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
			rows = append(rows, append([]string{c.Name}, repeat(string(void), len(head)-1)...))
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

func repeat(text string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = text
	}
	return all
}
