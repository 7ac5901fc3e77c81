package comparison

import (
	"path/filepath"

	"superheroes/bench/chart"
	"superheroes/bench/stat"
)

// Plot is one of the page's plots.
type Plot struct {
	Name, Title  string // Name is the file's, without its extension
	axis         string
	load, figure string
	stores       bool // whether the CPU time of each store is stacked on top
}

func plots() []Plot {
	return []Plot{
		{"cpu-97", "CPU at 97 iterations a second", "CPU per iteration, us", busy, services, true},
		{"cpu-10", "CPU at 9.7 iterations a second", "CPU per iteration, us", calm, services, true},
		{"throughput", "Iterations per second, 32 connections", "iterations per second", saturated, throughput, false},
		{"memory", "Memory of the services after 32 connections", "PSS, MiB", saturated, servicesPSS, false},
	}
}

// draw writes all plots to the folder.
func (r *Results) draw(folder string) error {
	for _, p := range plots() {
		if err := r.chart(p).Save(filepath.Join(folder, p.Name+".svg")); err != nil {
			return err
		}
	}
	return nil
}

// chart returns a bar chart with a bar for each member, split by store. A member that isn't comparable has a mark in its
// name.
func (r *Results) chart(p Plot) chart.Chart {
	c := chart.Chart{Title: p.Title, Y: p.axis}
	figures := []string{p.figure}
	c.Parts = []chart.Part{{Name: "services"}}
	if standIns := r.standIns(); p.stores && standIns != "" {
		c.Title += " (" + standIns + ")"
	}
	for _, store := range r.Stores {
		if p.stores {
			figures, c.Parts = append(figures, storePrefix+store.Name), append(c.Parts, chart.Part{Name: store.Name})
		}
	}
	for i := range r.Members {
		of := r.cell(&r.Members[i], p.load)
		name := of.Name
		if !of.comparable() {
			name += " *"
		}
		c.Bars = append(c.Bars, name)
		for j, figure := range figures {
			c.Parts[j].Values = append(c.Parts[j].Values, stat.Median(of.values(figure))) // NaN without values: no bar
		}
	}
	return c
}
