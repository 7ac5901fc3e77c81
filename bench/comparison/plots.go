package comparison

import (
	"math"
	"path/filepath"

	"superheroes/bench/chart"
	"superheroes/bench/stat"
)

// Plot is one of the page's plots.
type Plot struct {
	Name, Title string // Name is the file's, without its extension
	axis        string
	load        string
	parts       []part
	stores      bool // whether stores are included, so that stand-ins must be named
}

// part is a segment of the bars.
type part struct{ figure, label string }

func plotNames() []Plot {
	cpu := func(name, load, title string) Plot {
		return Plot{name, title, "CPU per iteration, us", load, []part{{services, "services"}, {stores, "stores"}}, true}
	}
	return []Plot{
		cpu("cpu-97", busy, "CPU at 97 iterations a second"), cpu("cpu-10", calm, "CPU at 9.7 iterations a second"),
		{"throughput", "Iterations per second, 32 connections", "iterations per second", saturated, []part{{throughput, "iterations"}}, false},
		{"memory", "Memory of the services after 32 connections", "PSS, MiB", saturated, []part{{servicesPSS, "services"}}, false},
	}
}

// draw writes all plots to the folder.
func (r *Results) draw(folder string) error {
	for _, p := range plotNames() {
		if err := r.chart(p).Save(filepath.Join(folder, p.Name+".svg")); err != nil {
			return err
		}
	}
	return nil
}

// chart returns a bar chart with a bar for each member. A member that isn't comparable has a mark in its name.
func (r *Results) chart(p Plot) chart.Chart {
	c := chart.Chart{Title: p.Title, Y: p.axis}
	if standIns := r.standIns(); p.stores && standIns != "" {
		c.Title += " (" + standIns + ")"
	}
	for _, each := range p.parts {
		c.Parts = append(c.Parts, chart.Part{Name: each.label})
	}
	for i := range r.Members {
		of := r.cell(&r.Members[i], p.load)
		name := of.Name
		if !of.comparable() {
			name += " *"
		}
		c.Bars = append(c.Bars, name)
		for j, each := range p.parts {
			height := math.NaN() // no bar, rather than a bar of height 0
			if values := of.values(each.figure); len(values) > 0 {
				height = stat.Median(values)
			}
			c.Parts[j].Values = append(c.Parts[j].Values, height)
		}
	}
	return c
}
