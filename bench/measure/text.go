package measure

import (
	_ "embed" // for the template
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"text/template"

	"superheroes/bench/energy"
	"superheroes/bench/stat"
)

//go:embed report.txt.tmpl
var textTemplate string

// Text writes the report in human-readable form.
func (r *Report) Text(w io.Writer) error {
	parsed, err := template.New("report").Funcs(template.FuncMap{
		"all": Series.all, "beside": Member.beside, "table": Member.table, "figure": Member.short, "missing": missing,
		"ratios": Comparison.ratios,
		"has":    func(m Member, figure string) bool { _, known := m.Figure(figure); return known },
		"short":  Short, "join": strings.Join, "verdict": (*Report).verdict,
	}).Parse(textTemplate)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := parsed.Execute(&text, r); err != nil {
		return err
	}
	_, err = io.WriteString(w, text.String())
	return err
}

// verdict returns the last line of the report.
func (r *Report) verdict() string {
	if r.Void {
		return "VOID: do not use these figures"
	}
	if unknown := r.unchecked(); unknown != "" {
		return "UNCHECKED: " + unknown
	}
	return "VALID"
}

// short returns a figure's median and unit.
func (m Member) short(figure string) string {
	f, ok := m.Figure(figure)
	if !ok {
		return "(not available)"
	}
	return strings.TrimSpace(Short(f.Median) + " " + f.Unit)
}

// beside describes what else used the machine while the member was measured, and how many iterations got no response.
func (m Member) beside() string {
	if len(m.Runs) == 0 {
		return ""
	}
	low, high, unknown := m.surroundings()
	strangers := span(percent(low.Strangers), percent(high.Strangers))
	if unknown != "" && high.Strangers == 0 {
		strangers = "unknown"
	}
	text := fmt.Sprintf("  of the cores: unrelated processes %s, steal %s; load average before %s\n",
		strangers, span(percent(low.Steal), percent(high.Steal)), span(Short(low.Load), Short(high.Load)))
	if unknown != "" {
		text += fmt.Sprintf("  CPU time of unrelated processes unknown: %s\n", unknown)
	}
	lost, all := int64(0), int64(0)
	for _, run := range m.Runs {
		lost, all = lost+run.Counts.Unanswered+run.Counts.Refused, all+run.Counts.Done
	}
	if lost > 0 {
		text += fmt.Sprintf("  no response: %d of %d iterations, not included in the latencies\n", lost, all)
	}
	return text
}

// span formats a range, or a single value if both ends are equal.
func span(low, high string) string {
	if low == high {
		return high
	}
	return low + " to " + high
}

// table formats the application's figures, with the figures for its stores in separate columns.
func (m Member) table(unit string) string {
	heads, stored := "median\tmin\tmax\tto floor\t", ""
	for _, f := range m.Figures {
		if strings.HasPrefix(f.Name, storePrefix) {
			stored = "| stores:\t" + heads
		}
	}
	var text strings.Builder
	rows := newTable(&text)
	fmt.Fprintf(rows, "%s\t%s%s\n", pad(""), heads, stored)
	for _, f := range m.Figures {
		if isEnergy(f.Name) || strings.HasPrefix(f.Name, storePrefix) {
			continue
		}
		fmt.Fprintf(rows, "%s\t%s", labelled(f.label, unit), f.cells())
		if store, ok := m.Figure(storePrefix + f.Name); ok {
			fmt.Fprintf(rows, "|\t%s", store.cells())
		} else if stored != "" {
			fmt.Fprint(rows, "\t\t\t\t\t") // tabwriter aligns a column only if every line has it
		}
		fmt.Fprintln(rows)
	}
	_ = rows.Flush() // writing to memory can't fail
	return text.String()
}

func newTable(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
}

// pad left-aligns a label in a table whose numbers are right-aligned.
func pad(label string) string { return fmt.Sprintf("  %-40s", label) }

func (f Figure) cells() string {
	ratio := ""
	if f.ToFloor != nil {
		ratio = "x " + Short(f.ToFloor.OfMedians)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t", Short(f.Median), Short(f.Least), Short(f.Most), ratio)
}

// missing lists the process figures that could not be read.
func missing(runs []Run) []string {
	var all []string
	for _, run := range runs {
		for _, u := range []*Use{run.Application, run.Store} {
			if u == nil {
				continue
			}
			for _, text := range append(u.Missing, u.Error) {
				if text != "" && !slices.Contains(all, text) {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

// labelled inserts the unit of work into a label and pads the label.
func labelled(label, unit string) string { return pad(strings.ReplaceAll(label, "{}", unit)) }

// ratios formats the ratios of a comparison as a table.
func (c Comparison) ratios(unit string) string {
	var text strings.Builder
	rows := newTable(&text)
	fmt.Fprintf(rows, "%s\tratio of medians\tmedian of rounds\tfrom\tto\tconfidence\t\n", pad(""))
	for _, q := range quantities(energy.Model{}) {
		ratio, ok := c.Ratios[q.name]
		if !ok {
			continue
		}
		label := q.label
		if strings.HasPrefix(q.name, storePrefix) {
			label = "store: " + label
		}
		fmt.Fprintf(rows, "%s\t%s\t%s\t%s\t%s\t%s\t\n", labelled(label, unit),
			Short(ratio.OfMedians), Short(ratio.Paired), Short(ratio.Interval.Low), Short(ratio.Interval.High), confidence(ratio.Interval))
	}
	_ = rows.Flush() // writing to memory can't fail
	return text.String()
}

func confidence(i stat.Interval) string {
	if i.Confidence <= 0 {
		return "none"
	}
	return strconv.FormatFloat(100*i.Confidence, 'f', 1, 64) + " %"
}

// Short formats a number with about three significant digits.
func Short(n float64) string {
	size := math.Abs(n)
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return "-"
	case size >= 100:
		return strconv.FormatFloat(n, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(n, 'f', 1, 64)
	case size >= 1:
		return strconv.FormatFloat(n, 'f', 2, 64)
	case size == 0:
		return "0"
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}
