package catalogtest

import "math"

// PValue returns the probability that equally likely cells have counts at least as uneven as the given ones: the
// upper tail of Pearson's chi-square statistic, using the Wilson-Hilferty approximation.
func PValue(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	expected := float64(total) / float64(len(counts))
	statistic := 0.0
	for _, n := range counts {
		d := float64(n) - expected
		statistic += d * d / expected
	}
	freedom := float64(len(counts) - 1)
	variance := 2 / (9 * freedom)
	z := (math.Cbrt(statistic/freedom) - 1 + variance) / math.Sqrt(variance)
	return math.Erfc(z/math.Sqrt2) / 2
}
