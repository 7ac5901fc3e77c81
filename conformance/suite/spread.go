package suite

import (
	"fmt"
	"math"

	"superheroes/conformance/rawhttp"
)

const (
	// manyDraws is the number of random picks requested to test whether all entries are equally likely.
	manyDraws = 2000
	// largestTested is the largest number of entries for which manyDraws picks are enough for the chi-square test.
	largestTested = 500
)

// spread requires that the items picked across the responses are distributed evenly over the entries. A correct member
// fails this check about once in a million runs.
func (c *check) spread(answers []rawhttp.Answer, entries []object, item func(rawhttp.Answer) object) {
	c.spreadOfAll(answers, entries, func(a rawhttp.Answer) []object { return []object{item(a)} })
}

// spreadOfAll is like spread, for responses with several items each.
func (c *check) spreadOfAll(answers []rawhttp.Answer, entries []object, items func(rawhttp.Answer) []object) {
	counts, draws := map[int64]int{}, 0
	for _, entry := range entries {
		if id, ok := number(entry, "id"); ok {
			counts[id] = 0
		}
	}
	for _, a := range answers {
		for _, item := range items(a) {
			id, ok := number(item, "id")
			_, known := counts[id]
			c.require(ok && known, a, "an entry from the list")
			counts[id]++
			draws++
		}
	}
	if fault := unevenness(counts, draws); fault != "" {
		c.fail(fmt.Sprintf("%s, %d times", answers[0].Call, len(answers)), fault, "each entry equally likely")
	}
}

// unevenness explains why the counts are implausible if each pick selects every entry with equal probability; it
// returns "" if they are plausible.
func unevenness(counts map[int64]int, draws int) string {
	n := float64(len(counts))
	if draws == manyDraws && n <= largestTested {
		statistic, most := 0.0, 0
		for _, count := range counts {
			difference := float64(count) - float64(draws)/n
			statistic += difference * difference / (float64(draws) / n)
			most = max(most, count)
		}
		if limit := chiSquareLimit(n - 1); statistic > limit {
			return fmt.Sprintf("chi-square is %.0f, at most %.0f is likely; one of %d entries came %d times", statistic, limit, len(counts), most)
		}
		return ""
	}
	distinct := 0
	for _, count := range counts {
		if count > 0 {
			distinct++
		}
	}
	expected := n * (1 - math.Pow(1-1/n, float64(draws)))
	if float64(distinct) < 0.7*expected {
		return fmt.Sprintf("%d different entries; about %.0f of %d are expected", distinct, expected, len(counts))
	}
	return ""
}

// chiSquareLimit returns the value that a chi-square statistic with the given degrees of freedom exceeds about once in
// three million tests (Wilson and Hilferty's approximation, five standard deviations).
func chiSquareLimit(freedom float64) float64 {
	if freedom < 1 {
		return 0
	}
	spread := 2 / (9 * freedom)
	return freedom * math.Pow(1-spread+5*math.Sqrt(spread), 3)
}
