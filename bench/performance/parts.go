package performance

import (
	"slices"

	"superheroes/bench/measure"
)

// noteParts adds the CPU time of each part of a system: the sum over its processes, from the same readings as the totals of
// application and stores.
func (c *Cell) noteParts(run measure.Run, parts []part) {
	var trees []measure.Tree
	for _, u := range []*measure.Use{run.Application, run.Store} {
		if u != nil {
			trees = append(trees, u.Trees...)
		}
	}
	for _, p := range parts {
		used, known := 0.0, false
		for _, tree := range trees {
			if slices.Contains(p.pids, tree.PID) {
				used, known = used+tree.CPU, true
			}
		}
		if !known {
			continue // its processes are unknown
		}
		if !slices.Contains(c.Parts, p.name) {
			c.Parts = append(c.Parts, p.name)
		}
		c.add(partCPU+p.name, used)
	}
}
