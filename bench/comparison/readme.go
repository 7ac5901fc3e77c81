package comparison

import (
	"strings"

	"superheroes/bench/page"
)

// The figures in README.md are between these marks. Without results, README.md has neither figures nor marks.
const (
	readmeBegin = "<!-- comparison:begin, written by superheroes-bench compare -->"
	readmeEnd   = "<!-- comparison:end -->"
	// readmePlace is the mark after which the figures are inserted if README.md doesn't have them yet.
	readmePlace = "<!-- performance:end -->"
)

func readmeSection() page.Section {
	return page.Section{Begin: readmeBegin, End: readmeEnd, After: readmePlace}
}

// readme returns the generated section of README.md, including the marks around it.
func (r *Results) readme() (string, error) {
	text, err := r.render("readme.md.tmpl")
	return readmeBegin + "\n" + text + readmeEnd, err
}

// brief returns the lines of README.md: each member's most telling figures.
func (r *Results) brief() []Line {
	var lines []Line
	for i := range r.Members {
		m := &r.Members[i]
		line := Line{Name: m.Name}
		if faults := r.cell(m, busy).faults(); len(faults) > 0 {
			line.Name += " (" + strings.Join(faults, "; ") + ")"
		}
		for _, each := range []struct{ load, figure string }{
			{busy, services}, {busy, together}, {saturated, throughput}, {saturated, servicesPSS},
		} {
			line.Cells = append(line.Cells, median(r.cell(m, each.load).values(each.figure)))
		}
		lines = append(lines, line)
	}
	return lines
}

// writeReadme updates the figures in README.md. It does nothing if there is no README.md.
func (r *Results) writeReadme(path string) error {
	figures, err := r.readme()
	if err != nil {
		return err
	}
	return readmeSection().Update(path, figures)
}
