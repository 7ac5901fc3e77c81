package comparison

import (
	"fmt"
	"slices"
	"strings"

	"superheroes/bench/format"
	"superheroes/bench/stat"
)

// cell is a member under one load.
type cell struct {
	*Member
	load load
}

// cell returns the member under a load.
func (r *Results) cell(m *Member, name string) cell {
	at := slices.IndexFunc(loads(), func(l load) bool { return l.name == name })
	return cell{m, loads()[at]}
}

// member returns the member for which the condition holds, or nil.
func (r *Results) member(is func(*Member) bool) *Member {
	for i := range r.Members {
		if is(&r.Members[i]) {
			return &r.Members[i]
		}
	}
	return nil
}

// reference returns the member with which the others are compared.
func (r *Results) reference() *Member {
	return r.member(func(m *Member) bool { return m.Name == r.Reference })
}

// runs returns the runs whose figures count, those that nothing disturbed.
func (c cell) runs() []Run {
	return slices.DeleteFunc(slices.Clone(c.Runs[c.load.name]), func(r Run) bool { return len(r.Disturbed) > 0 })
}

// values returns a figure's values.
func (c cell) values(figure string) []float64 {
	var values []float64
	for _, run := range c.runs() {
		if value, ok := run.Figures[figure]; ok {
			values = append(values, value)
		}
	}
	return values
}

// remarks says what is wrong with the member's runs, in sums over the runs. A member whose runs have faults, or that
// stores nothing, has no ratio.
func (c cell) remarks() (faults []string, unchecked string) {
	var sum Run
	faulty := false
	for _, run := range c.runs() {
		sum.Done, sum.Dropped, sum.Wrong = sum.Done+run.Done, sum.Dropped+run.Dropped, sum.Wrong+run.Wrong
		sum.Unanswered += run.Unanswered
		faulty = faulty || len(run.Faults) > 0
		if run.Unchecked != "" {
			unchecked = "not checked whether its fights are stored"
			continue
		}
		sum.Acknowledged, sum.Stored = sum.Acknowledged+run.Acknowledged, sum.Stored+run.Stored
	}
	switch {
	case c.Nothing, sum.Acknowledged > 0 && sum.Stored == 0:
		faults, unchecked = append(faults, "stores nothing"), ""
	case sum.Stored < sum.Acknowledged && faulty:
		faults = append(faults, fmt.Sprintf("**lost %s of %s acknowledged fights**", count(sum.Acknowledged-sum.Stored), count(sum.Acknowledged)))
	}
	for _, each := range []struct {
		count int64
		what  string
	}{{sum.Dropped, "dropped"}, {sum.Wrong, "answered wrongly"}, {sum.Unanswered, "without a response"}} {
		if each.count > 0 && faulty {
			faults = append(faults, fmt.Sprintf("%s of %s iterations %s", count(each.count), count(sum.Done+sum.Dropped), each.what))
		}
	}
	if faulty && len(faults) == 0 {
		faults = append(faults, "runs with faults")
	}
	return faults, unchecked
}

// text formats the remarks for a table.
func (c cell) text() string {
	faults, unchecked := c.remarks()
	if unchecked != "" {
		faults = append(faults, unchecked)
	}
	if missing := len(c.Runs[c.load.name]) - len(c.runs()); missing > 0 {
		faults = append(faults, fmt.Sprintf("%d of %d runs disturbed and not used", missing, len(c.Runs[c.load.name])))
	}
	return strings.Join(faults, "; ")
}

// comparable reports whether the member did the work that the load demands.
func (c cell) comparable() bool {
	faults, _ := c.remarks()
	return len(faults) == 0
}

// confidence is what the intervals of ratios reach if there are enough rounds. With six rounds, it is 97 %.
const confidence = 0.95

// ratio returns the ratio of a figure to the other cell's, round by round. It returns false if a round of both with that
// figure is missing, or if one of the two isn't comparable.
func (c cell) ratio(to cell, figure string) (stat.Ratio, bool) {
	if !c.comparable() || !to.comparable() {
		return stat.Ratio{}, false
	}
	base := map[int]float64{}
	for _, run := range to.runs() {
		if value, ok := run.Figures[figure]; ok {
			base[run.Round] = value
		}
	}
	var ours, theirs []float64
	for _, run := range c.runs() {
		value, known := run.Figures[figure]
		if other, ok := base[run.Round]; ok && known {
			ours, theirs = append(ours, value), append(theirs, other)
		}
	}
	return stat.RatioOf(ours, theirs, confidence)
}

func count(n int64) string { return format.Exact(float64(n)) }
