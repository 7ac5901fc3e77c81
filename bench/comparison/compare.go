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

// total adds up the counts of the runs and collects their faults. It reports whether the fights of any run could not be
// counted; those fights are not in the total.
func (c cell) total() (sum Run, unchecked bool) {
	for _, run := range c.runs() {
		sum.Done += run.Done
		sum.Dropped += run.Dropped
		sum.Wrong += run.Wrong
		sum.Unanswered += run.Unanswered
		sum.Faults = append(sum.Faults, run.Faults...)
		if run.Unchecked != "" {
			unchecked = true
			continue
		}
		sum.Acknowledged += run.Acknowledged
		sum.Stored += run.Stored
	}
	return sum, unchecked
}

// faults says what is wrong with the member's runs. A member with faults has no ratio.
func (c cell) faults() (faults []string) {
	sum, _ := c.total()
	if c.Nothing || sum.Acknowledged > 0 && sum.Stored == 0 {
		faults = append(faults, "stores nothing")
	}
	if len(sum.Faults) == 0 {
		return faults
	}
	if sum.Stored != 0 && sum.Stored < sum.Acknowledged {
		faults = append(faults, fmt.Sprintf("**lost %s of %s acknowledged fights**", count(sum.Acknowledged-sum.Stored), count(sum.Acknowledged)))
	}
	for _, each := range []struct {
		count int64
		what  string
	}{{sum.Dropped, "dropped"}, {sum.Wrong, "answered wrongly"}, {sum.Unanswered, "without a response"}} {
		if each.count > 0 {
			faults = append(faults, fmt.Sprintf("%s of %s iterations %s", count(each.count), count(sum.Done+sum.Dropped), each.what))
		}
	}
	if len(faults) == 0 {
		faults = append(faults, sum.Faults[0])
	}
	return faults
}

// remarks formats everything that a reader of the member's figures must know.
func (c cell) remarks() string {
	all := c.faults()
	if _, unchecked := c.total(); unchecked && !c.Nothing {
		all = append(all, "not checked whether its fights are stored")
	}
	if whole := len(c.Runs[c.load.name]); whole > len(c.runs()) {
		all = append(all, fmt.Sprintf("%d of %d runs disturbed and not used", whole-len(c.runs()), whole))
	}
	return strings.Join(all, "; ")
}

// comparable reports whether the member did the work that the load demands.
func (c cell) comparable() bool { return len(c.faults()) == 0 }

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
