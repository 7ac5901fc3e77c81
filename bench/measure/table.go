package measure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"superheroes/bench/energy"
	"superheroes/bench/format"
	"superheroes/bench/stat"
)

// table is a table of figures, one per row.
type table struct {
	Head []string
	Rows [][]string
}

// figures returns a table with the member's figures.
func (s Series) figures(m Member, unit string) table {
	columns := []string{"median", "spread"}
	if s.Floor != nil && m.Name != floorName {
		columns = append(columns, "x floor"+s.at())
	}
	return newTable(unit, columns, func(name string) []string {
		f, ok := m.Figure(name)
		if !ok || isEnergy(name) { // energy is reported separately
			return nil
		}
		return f.cells()[:len(columns)]
	})
}

// cells formats the median, the range if there are several runs, and the ratio to the floor server's figure.
func (f Figure) cells() []string {
	text := func(value float64) string { return format.Number(shown(f.Name, value)) }
	spread, ratio := "", ""
	if len(f.Values) > 1 {
		spread = span(text(f.Least), text(f.Most))
	}
	if f.ToFloor != nil {
		ratio = format.Number(f.ToFloor.OfMedians)
	}
	return []string{text(f.Median), spread, ratio}
}

// ratios returns a table with the ratios of a comparison: that of the medians, the median over the rounds, and the
// confidence interval of the latter.
func (c Comparison) ratios(unit string) table {
	return newTable(unit, []string{"ratio", "of rounds", "range", "confidence"}, func(name string) []string {
		ratio, ok := c.Ratios[name]
		if !ok {
			return nil
		}
		return []string{format.Number(ratio.OfMedians), format.Number(ratio.Paired),
			span(format.Number(ratio.Interval.Low), format.Number(ratio.Interval.High)), confidence(ratio.Interval)}
	})
}

func confidence(i stat.Interval) string {
	if i.Confidence <= 0 {
		return "none"
	}
	return strconv.FormatFloat(100*i.Confidence, 'f', 1, 64) + " %"
}

// newTable returns a table with a row for each quantity that has cells. The figures of the services, of the stores and
// of both together are side by side, as far as there are any.
func newTable(unit string, columns []string, cells func(name string) []string) table {
	var t table
	rows := rowsOf(cells)
	for _, q := range rows {
		t.Rows = append(t.Rows, []string{strings.ReplaceAll(q.label, "{}", unit)})
	}
	for _, group := range []struct{ prefix, title string }{{"", "services"}, {storePrefix, "stores"}, {togetherPrefix, "together"}} {
		known, filled := make([][]string, len(rows)), false
		for i, q := range rows {
			known[i] = cells(group.prefix + q.name)
			filled = filled || known[i] != nil
		}
		if !filled {
			continue
		}
		t.Head = append(append(t.Head, group.title+": "+columns[0]), columns[1:]...)
		for i := range rows {
			t.Rows[i] = append(append(t.Rows[i], known[i]...), make([]string, len(columns)-len(known[i]))...)
		}
	}
	if len(t.Head) == len(columns) { // nothing is known about stores
		t.Head = columns
	}
	t.Head = append([]string{""}, t.Head...)
	return t
}

// rowsOf returns the quantities for which the services or the stores have cells.
func rowsOf(cells func(name string) []string) []quantity {
	return slices.DeleteFunc(quantities(energy.Model{}), func(q quantity) bool {
		return base(q.name) != q.name || cells(q.name) == nil && cells(storePrefix+q.name) == nil
	})
}

// text formats the table as text, with numbers aligned to the right.
func (t table) text() string {
	var text strings.Builder
	rows := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		fmt.Fprintf(rows, "  %-40s\t%s\t\n", row[0], strings.Join(row[1:], "\t"))
	}
	_ = rows.Flush() // writing to memory can't fail
	return text.String()
}
