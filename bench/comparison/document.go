package comparison

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"superheroes/bench/format"
	"superheroes/bench/page"
	"superheroes/bench/stat"
)

// templates also contains a members file with this project's own variants and an invented member.
//
//go:embed *.tmpl members.json
var templates embed.FS

// document renders docs/comparison.md.
func (r *Results) document() (string, error) { return r.render("comparison.md.tmpl") }

// render executes a template with the results.
func (r *Results) render(name string) (string, error) {
	return page.Render(templates, r.functions(), name, r)
}

// functions returns the functions that the templates call.
func (r *Results) functions() template.FuncMap {
	return template.FuncMap{
		"date":     func() string { return r.Date.UTC().Format("2 January 2006") },
		"minutes":  func() string { return fmt.Sprintf("%.0f", r.Took/60) },
		"headline": r.headline, "targets": r.rows, "losses": r.losses, "sections": r.sections, "idle": r.idle,
		"parts": r.parts, "storeNames": r.storeNames, "standIns": r.standIns, "brief": r.brief,
		"number": format.Number, "dash": dash, "join": strings.Join, "plots": plots,
		"busyName": func() string { return busy }, "familyConnections": func() int { return familyConnections },
	}
}

// headline states how many targets were met, and in how many figures other members are better.
func (r *Results) headline() string {
	met, measured := 0, 0
	for _, row := range r.rows() {
		if row.Met {
			met++
		}
		if row.Verdict != notMeasured {
			measured++
		}
	}
	return fmt.Sprintf("%d targets: %d met, %d not met, %d not measured. Another member is better in %d figures, listed [below](#where-another-member-is-better).",
		len(r.rows()), met, measured-met, len(r.rows())-measured, len(r.losses()))
}

// Line is a row of a table, its cells ready to print.
type Line struct {
	Name  string
	Cells []string
}

// Section is the part of the page about one load.
type Section struct {
	Title string
	Lines []Line
}

// sections returns the tables of all loads, whose columns the template names.
func (r *Results) sections() []Section {
	var all []Section
	for _, l := range loads() {
		section := Section{Title: l.title}
		for i := range r.Members {
			c := r.cell(&r.Members[i], l.name)
			line := Line{Name: c.Name}
			for _, figure := range []string{throughput, p50, p95, p99, services, stores, together} {
				line.Cells = append(line.Cells, spread(c.values(figure)))
			}
			line.Cells = append(line.Cells, r.againstReference(c, services), r.againstReference(c, together),
				spread(c.values(servicesPSS)), dash(c.remarks()))
			section.Lines = append(section.Lines, line)
		}
		all = append(all, section)
	}
	return all
}

// againstReference formats the ratio of a cell's figure to the reference's.
func (r *Results) againstReference(c cell, figure string) string {
	reference := r.reference()
	if reference == nil {
		return "-"
	}
	if reference == c.Member && c.comparable() && len(c.values(figure)) > 0 {
		return "1"
	}
	ratio, ok := c.ratio(r.cell(reference, c.load.name), figure)
	if !ok {
		return "-"
	}
	return interval(ratio)
}

// idle returns the table of idle members.
func (r *Results) idle() []Line {
	var lines []Line
	for i := range r.Members {
		c := r.cell(&r.Members[i], busy) // the first load, which begins with the idle time
		lines = append(lines, Line{c.Name, []string{spread(c.values(idleServices)), spread(c.values(idleStores)), spread(c.values(idlePSS))}})
	}
	return lines
}

// parts returns the CPU time of each store.
func (r *Results) parts() []Line {
	var lines []Line
	for _, l := range loads() {
		for i := range r.Members {
			c := r.cell(&r.Members[i], l.name)
			if len(c.Stores) == 0 {
				continue
			}
			line := Line{Name: fmt.Sprintf("%s, %s", c.Name, l.name)}
			for _, store := range r.Stores {
				line.Cells = append(line.Cells, spread(c.values(storePrefix+store.Name)))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func (r *Results) storeNames() []string {
	var names []string
	for _, store := range r.Stores {
		names = append(names, store.Name)
	}
	return names
}

// standIns names the stores that stand in for others, such as "FerretDB for MongoDB", or returns "".
func (r *Results) standIns() string {
	var names []string
	for _, store := range r.Stores {
		if store.For != "" {
			names = append(names, store.Name+" for "+store.For)
		}
	}
	return strings.Join(names, ", ")
}

// spread formats the median of a figure, with its minimum and maximum in parentheses.
func spread(values []float64) string {
	switch len(values) {
	case 0:
		return "-"
	case 1:
		return format.Number(values[0])
	}
	return fmt.Sprintf("%s (%s-%s)", format.Number(stat.Median(values)), format.Number(slices.Min(values)), format.Number(slices.Max(values)))
}

func median(values []float64) string { return format.Number(stat.Median(values)) }

// interval formats a ratio with its confidence interval.
func interval(ratio stat.Ratio) string {
	return fmt.Sprintf("%s (%s-%s)", format.Number(ratio.Paired), format.Number(ratio.Interval.Low), format.Number(ratio.Interval.High))
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// write writes the page and its plots to a folder such as docs, and updates the figures in the README.md next to that
// folder. The results must have been saved there.
func (r *Results) write(folder string) error {
	text, err := r.document()
	if err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	if err := r.save(folder); err != nil {
		return err
	}
	if err := r.draw(filepath.Join(folder, "comparison")); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "comparison.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return r.writeReadme(filepath.Join(folder, "..", "README.md"))
}
