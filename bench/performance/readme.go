package performance

import "superheroes/bench/page"

// The figures in README.md are between these marks.
const (
	readmeBegin = "<!-- performance:begin, written by make bench -->"
	readmeEnd   = "<!-- performance:end -->"
)

func readmeSection() page.Section { return page.Section{Begin: readmeBegin, End: readmeEnd} }

// readme returns the generated section of README.md, including the marks around it.
func (r *Results) readme() (string, error) {
	usage, err := r.render("readme scenario")
	if err != nil {
		return "", err
	}
	text, err := r.render("readme")
	return readmeBegin + "\n" + usage + text + readmeEnd, err
}

// headlines are the figures that README.md quotes. All are of `up` in the eco profile.
type headlines struct {
	Throughput, CPU, Floor, Idle, Loaded, Start string
}

func (r *Results) quoted() headlines {
	c := r.cell(at32, upEco)
	h := headlines{Throughput: quote(c, throughput, ""), CPU: quote(c, cpu, " us"), Loaded: quote(c, memory, " MiB")}
	h.Floor = quote(r.cell(at32, floorCell(usual)), cpu, " us")
	for _, process := range r.Idle {
		if process.Name == "up" {
			h.Idle = number(process.RSS) + " MiB"
		}
	}
	for _, start := range r.Starts {
		if start.Name == newData && len(start.Ms) > 0 {
			h.Start = number(start.Ms.Median()) + " ms"
		}
	}
	return h
}

// quote formats the median of a cell's figure, or says why it is missing.
func quote(c *Cell, figure, unit string) string {
	if !c.has(figure) {
		return string(absent(c.check()))
	}
	return number(c.median(figure)) + unit
}

// writeReadme updates the figures in README.md. It does nothing if there is no README.md.
func (r *Results) writeReadme(path string) error {
	figures, err := r.readme()
	if err != nil {
		return err
	}
	return readmeSection().Update(path, figures)
}
