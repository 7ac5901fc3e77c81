package performance

import (
	_ "embed" // for the template and the notes
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"superheroes/bench/energy"
)

//go:embed performance.md.tmpl
var pageText string

//go:embed notes.md
var notes string

// document renders docs/performance.md.
func (r *Results) document() (string, error) {
	parsed, err := template.New("page").Option("missingkey=error").Parse(pageText)
	if err != nil {
		return "", err
	}
	model := energy.CloudCarbonFootprint()
	page := map[string]any{
		"R": r, "Headline": r.headline(), "Date": r.Date.UTC().Format("2 January 2006"), "Took": took(r.Took), "Rounds": r.Plan.Rounds,
		"Seconds": seconds(r.Plan.Measured), "Warmup": seconds(r.Plan.Warmup), "Slow": r.Plan.Slow.text(),
		"Targets": r.targetTable(), "Notes": strings.ReplaceAll(notes, "](../../", "](../"), // links in notes.md are relative to its own folder
		"Machine": r.machineTable(), "Series": r.sections(), "Parts": r.parts(), "Idle": r.idleTable(), "Meter": r.Meter,
		"Source": model.Source, "Watts": number(model.Watts), "Energy": r.energyTable(), "Model": r.model(),
	}
	var text strings.Builder
	if err := parsed.Execute(&text, page); err != nil {
		return "", err
	}
	return text.String(), nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// text describes how runs at the family's rates differ, or returns "" for results without a slow plan.
func (p slowPlan) text() string {
	if p.Rounds == 0 {
		return ""
	}
	return fmt.Sprintf("; at the family's rates, %d valid runs of at least %s and %d iterations", p.Rounds, seconds(p.Measured), p.Iterations)
}

func took(s float64) string {
	if s < 120 {
		return fmt.Sprintf("%.0f seconds", s)
	}
	return fmt.Sprintf("%.0f minutes", s/60)
}

// headline summarizes how many targets were met.
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

func (r *Results) machineTable() string {
	m := r.Machine
	rows := [][]string{
		{"CPU", orDash(m.CPU)}, {"cores", fmt.Sprint(m.Cores)}, {"memory", fmt.Sprintf("%.0f GiB", m.Memory)}, {"kernel", orDash(m.Kernel)},
		{"Go", m.Go}, {"load average before", number(m.Load)},
		{"cores taken by strangers, median and maximum over the valid runs", r.taken(strangers)},
		{"cores taken by the hypervisor (steal), likewise", r.taken(steal)},
	}
	for _, name := range r.Stores {
		rows = append(rows, []string{"store", name})
	}
	for _, e := range experiments() {
		if reason := r.Missing[e.name]; reason != "" {
			rows = append(rows, []string{e.name, "not measured: " + reason})
		}
	}
	return table([]string{"", ""}, rows)
}

// taken returns the share of the cores that others took during the valid runs.
func (r *Results) taken(figure string) string {
	var all Figure
	for _, s := range r.Series {
		for _, c := range s.Cells {
			all = append(all, c.Figures[figure]...)
		}
	}
	if len(all) == 0 {
		return "not measured: these results predate this measurement"
	}
	return fmt.Sprintf("%s %%, %s %%", number(all.Median()), number(all.Most()))
}

// section is the section about one series.
type section struct{ Title, Text, Table string }

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
		all = append(all, section{e.title, e.remark, s.table()})
	}
	return all
}

// parts returns the table of CPU time by process, for series with several.
func (r *Results) parts() string {
	var cells []Cell
	for _, name := range []string{at32, at32All, at128, instances} {
		if s := r.series(name); s != nil {
			for _, c := range s.Cells {
				if c.Floor != "" {
					suffix := fmt.Sprintf(", %d connections", c.Connections)
					c.Name = strings.TrimSuffix(c.Name, suffix) + suffix
					cells = append(cells, c)
				}
			}
		}
	}
	return (&Series{Cells: cells}).partsTable(allParts())
}

// model returns the values of the section about more than one machine.
func (r *Results) model() map[string]any {
	u, err := unitCostsOf(r.cell(instances, instanceName(1)))
	if err != nil {
		return map[string]any{"Missing": absent(err)}
	}
	store := u.forecast(modelRates()[len(modelRates())-1]).tiers[0]
	return map[string]any{
		"Missing": "",
		"Fights":  number(u.fights), "Catalogs": number(u.catalogs), "FightStore": number(u.fightStore), "Storage": number(u.storage),
		"Wire": number(u.wire), "Packets": number(u.packets), "CatalogStores": number(u.catalogStores), "Table": u.modelTable(),
		"Cores": nodeCores, "Use": 100 * nodeUse, "Gigabits": networkBytes * 8 / 0.96 / 1e9, "Frames": networkFrames / 1e6,
		"Written": number(diskBytes / 1e6), "Shards": nodes(store), "Check": r.checkTable(),
	}
}

// write writes all documents to the folder, such as docs, and updates the figures in the README.md next to it.
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
