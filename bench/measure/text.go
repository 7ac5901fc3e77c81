package measure

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"superheroes/bench/energy"
	"superheroes/bench/stat"
)

// Text writes the report in human-readable form.
func (r *Report) Text(w io.Writer) error {
	var text strings.Builder
	r.heading(&text)
	for _, s := range r.Series {
		s.text(&text, r.Plan, r.Energy)
	}
	if len(r.Notes) > 0 {
		text.WriteString("\nNotes\n")
		for _, note := range r.Notes {
			fmt.Fprintf(&text, "  - %s\n", note)
		}
	}
	text.WriteString("\n" + r.verdict() + "\n")
	_, err := io.WriteString(w, text.String())
	return err
}

func (r *Report) heading(w io.Writer) {
	p := r.Plan
	fmt.Fprintf(w, "superheroes-bench %s, %s\n", r.Version, r.Started.Format("2006-01-02 15:04:05 MST"))
	fmt.Fprintf(w, "%s/%s, %d cores, %s\n", r.Machine.OS, r.Machine.Arch, r.Machine.Cores, r.Machine.Go)
	fmt.Fprintf(w, "mix %s, %d connections, %s measured after %s of warm-up, %d round(s)\n",
		p.Mix, p.Connections, seconds(p.Seconds), seconds(p.Warmup), p.Rounds)
	if p.FloorSize > 0 {
		fmt.Fprintf(w, "floor: a bare net/http handler, responses of %d bytes, GOMAXPROCS=%d, measured before the first round and after each\n", p.FloorSize, p.FloorProcs)
	}
	if len(p.PinTarget)+len(p.PinSelf) > 0 {
		fmt.Fprintf(w, "pinned: target and floor to cores %v, generator to cores %v\n", p.PinTarget, p.PinSelf)
	}
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', -1, 64) + " s" }

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

func (s Series) text(w io.Writer, plan Plan, tiers Tiers) {
	if s.Rate > 0 {
		fmt.Fprintf(w, "\n== open model, %s iterations per second; latency counts from when each should have been sent\n", Short(s.Rate))
	} else {
		fmt.Fprintf(w, "\n== closed model, %d connections\n", plan.Connections)
	}
	for _, m := range s.all() {
		m.text(w, plan.Unit, tiers)
	}
	for _, c := range s.Comparisons {
		c.text(w, plan.Unit)
	}
}

func (m Member) text(w io.Writer, unit string, tiers Tiers) {
	if m.Name == floorName {
		unit = "request"
	}
	fmt.Fprintf(w, "\n%s\n", m.Name)
	for _, reason := range m.Void {
		fmt.Fprintf(w, "  VOID: %s\n", reason)
	}
	if m.Name != floorName {
		fmt.Fprintf(w, "  profile: %s\n  fights: %s\n", m.Profile, m.Stores)
	}
	m.beside(w)
	if lost, all := m.unanswered(); lost > 0 {
		fmt.Fprintf(w, "  no response: %d of %d iterations, not included in the latencies\n", lost, all)
	}
	m.table(w, unit)
	m.energyText(w, unit, tiers)
	missing(w, m.Runs)
}

// beside writes what else used the machine while the member was measured.
func (m Member) beside(w io.Writer) {
	if len(m.Runs) == 0 {
		return
	}
	low, high, unknown := m.surroundings()
	strangers := span(percent(low.Strangers), percent(high.Strangers))
	if unknown != "" && high.Strangers == 0 {
		strangers = "unknown"
	}
	fmt.Fprintf(w, "  of the cores: strangers %s, steal %s; load average before %s\n",
		strangers, span(percent(low.Steal), percent(high.Steal)), span(Short(low.Load), Short(high.Load)))
	if unknown != "" {
		fmt.Fprintf(w, "  strangers' CPU unknown: %s\n", unknown)
	}
}

// span formats a range, or a single value if both ends are equal.
func span(low, high string) string {
	if low == high {
		return high
	}
	return low + " to " + high
}

// unanswered returns the number of iterations without a response, and of all iterations.
func (m Member) unanswered() (lost, all int64) {
	for _, run := range m.Runs {
		lost, all = lost+run.Counts.Unanswered+run.Counts.Refused, all+run.Counts.Done
	}
	return lost, all
}

// table writes the figures of the application, and those of its stores in separate columns.
func (m Member) table(w io.Writer, unit string) {
	heads, stored := "median\tmin\tmax\tto floor\t", ""
	for _, f := range m.Figures {
		if strings.HasPrefix(f.Name, storePrefix) {
			stored = "| stores:\t" + heads
		}
	}
	rows := newTable(w)
	fmt.Fprintf(rows, "%s\t%s%s\n", pad(""), heads, stored)
	for _, f := range m.Figures {
		if isEnergy(f.Name) || strings.HasPrefix(f.Name, storePrefix) {
			continue
		}
		fmt.Fprintf(rows, "%s\t%s", labelled(f.label, unit), f.cells())
		if store, ok := m.Figure(storePrefix + f.Name); ok {
			fmt.Fprintf(rows, "|\t%s", store.cells())
		} else if stored != "" {
			fmt.Fprint(rows, "\t\t\t\t\t") // cells are only aligned if every line has them
		}
		fmt.Fprintln(rows)
	}
	_ = rows.Flush() // writing to memory can't fail
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

// missing writes what could not be read about the processes.
func missing(w io.Writer, runs []Run) {
	seen := map[string]bool{}
	for _, run := range runs {
		for _, u := range []*Use{run.Application, run.Store} {
			if u == nil {
				continue
			}
			for _, text := range append(u.Missing, u.Error) {
				if text != "" && !seen[text] {
					seen[text] = true
					fmt.Fprintf(w, "  not available: %s\n", text)
				}
			}
		}
	}
}

// labelled returns a label for figures given per that unit.
func labelled(label, unit string) string { return pad(strings.ReplaceAll(label, "{}", unit)) }

func (c Comparison) text(w io.Writer, unit string) {
	fmt.Fprintf(w, "\n%s compared with %s\n", c.Name, c.To)
	if c.Equal != "" {
		fmt.Fprintf(w, "  NOT COMPARABLE: %s\n", c.Equal)
	}
	rows := newTable(w)
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
		fmt.Fprintf(rows, "%s\t%s\t%s\t%s\t%s\t%s\t\n", labelled(label, unit), Short(ratio.OfMedians), Short(ratio.Paired), Short(ratio.Interval.Low),
			Short(ratio.Interval.High), confidence(ratio.Interval))
	}
	_ = rows.Flush() // writing to memory can't fail
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
