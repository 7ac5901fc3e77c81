package performance

import (
	"embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/dustin/go-humanize"

	"superheroes/bench/energy"
	"superheroes/bench/format"
	"superheroes/bench/page"
)

//go:embed *.tmpl
var templates embed.FS

//go:embed notes.md
var notes string

// document renders docs/performance.md.
func (r *Results) document() (string, error) { return r.render("performance.md.tmpl") }

// render executes a template with the results.
func (r *Results) render(name string) (string, error) {
	return page.Render(templates, r.functions(), name, r)
}

// functions returns the functions that the templates call.
func (r *Results) functions() template.FuncMap {
	costs, noCosts := unitCostsOf(r.cell(instances, instanceName(1)))
	return template.FuncMap{
		"headline": r.headline, "targets": r.targets, "quoted": r.quoted, "taken": r.taken,
		"experiments": Names, "sections": r.sections,
		"series": r.series, "cellsWithParts": r.cellsWithParts, "checks": r.checks,
		"totals": r.totals, "systems": func() []total { return systemsOf(r.totals()) }, "together": togetherText, "priceFloor": (*Series).priceFloor, "togetherRatio": (*Series).togetherRatio,
		// Links in notes.md are relative to bench/performance, whereas links in the document are relative to docs.
		"notes": func() string { return strings.ReplaceAll(notes, "](../../", "](../") },
		"costs": func() *unitCosts {
			if noCosts != nil {
				return nil
			}
			return &costs
		},
		"whyNoCosts": func() verdict { return absent(noCosts) }, "assumed": assumptions,
		"parts": allParts, "energyModel": energy.CloudCarbonFootprint, "priceRate": func() int { return priceRate },
		"value": value, "ratio": (*Series).ratioText, "change": (*Series).changeText, "spread": spread, "modelled": modelled,
		"number": number, "thousands": thousands, "dash": orDash, "percent": percent, "times": product,
		"seconds": seconds, "took": took, "lowRate": func() float64 { return lowRate }, "highRate": func() float64 { return highRate },
		"rates": func() string { return strings.ReplaceAll(strings.Trim(fmt.Sprint(r.Plan.Rates), "[]"), " ", ", ") },
		"date":  func(r *Results) string { return r.Date.UTC().Format("2 January 2006") },
	}
}

// assumptions returns the model's assumptions about a node, in the units that the document uses.
func assumptions() map[string]float64 {
	return map[string]float64{
		"Cores": nodeCores, "Percent": 100 * nodeUse, "Gigabits": networkBytes * 8 / 0.96 / 1e9,
		"Megapackets": networkFrames / 1e6, "Megabytes": diskBytes / 1e6,
	}
}

// value formats the scaled median of a cell's figure, or says why the figure is missing.
func value(c *Cell, figure string, scale ...float64) string {
	switch {
	case !c.Enough, slices.Contains(latencies(), figure) && c.checkLatency() != nil:
		return string(void)
	case !c.has(figure):
		return "-"
	}
	median := c.median(figure)
	for _, s := range scale {
		median *= s
	}
	return number(median)
}

// ratioText formats the ratio of a cell's figure to the CPU time of the floor server, or says why there is no ratio.
func (s *Series) ratioText(c *Cell, figure string) string {
	if c.Floor == "" {
		return "1"
	}
	ratio, err := s.ratio(c, c.Floor, figure)
	switch {
	case err == nil:
		return number(ratio)
	case absent(err) == void:
		return string(void)
	}
	return "-"
}

// spread formats the minimum and maximum of a cell's figure.
func spread(c *Cell, figure string) string {
	if !c.has(figure) {
		return "-"
	}
	values := c.Figures[figure]
	return number(values.Least()) + "-" + number(values.Most())
}

// modelled formats the modelled energy per fight in microjoules, based on the CPU time of the application and its
// stores.
func modelled(c *Cell) string {
	if !c.Enough {
		return string(void)
	}
	return number(energy.CloudCarbonFootprint().Joules(c.median(cpu) + c.median(storeCPU)))
}

func percent(share float64) string { return fmt.Sprintf("%.3f", 100*share) }

func product(a, b float64) float64 { return a * b }

func orDash(text any) string {
	if text := fmt.Sprint(text); text != "" {
		return text
	}
	return "-"
}

// number formats a number as in bench reports.
func number(n float64) string { return format.Number(n) }

// thousands formats a whole number with commas.
func thousands(n float64) string { return humanize.Comma(int64(math.RoundToEven(n))) }

func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

func took(s float64) string {
	if s < 120 {
		return fmt.Sprintf("%.0f seconds", s)
	}
	return fmt.Sprintf("%.0f minutes", s/60)
}

// headline states how many targets were met.
func (r *Results) headline() string {
	counts := map[verdict]int{}
	total := 0
	for _, t := range r.targets() {
		if t.Aside {
			continue
		}
		total++
		if t.Verdict == met || t.Verdict == notMet {
			counts[t.Verdict]++
		} else {
			counts[void]++
		}
	}
	text := fmt.Sprintf("%d targets: %d met, %d not met", total, counts[met], counts[notMet])
	if counts[void] > 0 {
		text += fmt.Sprintf(", %d without a figure", counts[void])
	}
	return text + "."
}

// taken formats the median and the maximum, over all valid runs, of a figure given as a share of the cores, such as
// steal time.
func (r *Results) taken(figure string) string {
	var all Figure
	for _, s := range r.Series {
		for _, c := range s.Cells {
			all = append(all, c.Figures[figure]...)
		}
	}
	if len(all) == 0 {
		return "not known: the results do not contain this figure"
	}
	return fmt.Sprintf("%s %%, %s %%", number(all.Median()), number(all.Most()))
}

// section is the part of the document that presents one series of measurements.
type section struct {
	Title, Remark string
	Series        *Series
}

func (r *Results) sections() []section {
	var all []section
	for _, e := range experiments() {
		s := r.series(e.name)
		if e.title == "" || s == nil {
			continue
		}
		if e.remark != "" {
			e.remark += "\n"
		}
		all = append(all, section{e.title, e.remark, s})
	}
	return all
}

// cellsWithParts returns the cells of all series whose targets consist of several processes, with the number of
// connections appended to the cell names.
func (r *Results) cellsWithParts() []Cell {
	var cells []Cell
	for _, name := range []string{at32, at32All, at128, instances} {
		s := r.series(name)
		if s == nil {
			continue
		}
		for _, c := range s.Cells {
			if c.Floor != "" && c.Enough {
				suffix := fmt.Sprintf(", %d connections", c.Connections)
				c.Name = strings.TrimSuffix(c.Name, suffix) + suffix
				cells = append(cells, c)
			}
		}
	}
	return cells
}

func allParts() []string {
	return []string{upPart, "fights", "heroes", "villains", "locations", "PostgreSQL", "MariaDB", mongoName}
}

// write writes the document, its plots and the results to a folder such as docs, and updates the figures in the
// README.md next to that folder.
func (r *Results) write(folder string) error {
	text, err := r.document()
	if err != nil {
		return fmt.Errorf("rendering the document: %w", err)
	}
	pictures := filepath.Join(folder, "performance")
	if err := os.MkdirAll(pictures, 0o755); err != nil {
		return err
	}
	if err := r.save(filepath.Join(pictures, "results.json")); err != nil {
		return err
	}
	if err := r.draw(pictures); err != nil {
		return fmt.Errorf("drawing: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "performance.md"), []byte(text), 0o644); err != nil {
		return err
	}
	return r.writeReadme(filepath.Join(folder, "..", "README.md"))
}
