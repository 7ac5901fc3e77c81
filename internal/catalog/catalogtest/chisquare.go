package catalogtest

import "math"

// chiSquare returns Pearson's statistic of the counts of equally likely cells.
func chiSquare(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	expected := float64(total) / float64(len(counts))
	sum := 0.0
	for _, n := range counts {
		d := float64(n) - expected
		sum += d * d / expected
	}
	return sum
}

// PValue returns the probability that equally likely cells have counts at least as uneven as these: the upper tail of
// the chi-square distribution with one degree of freedom fewer than there are cells.
func PValue(counts []int) float64 {
	return upperGamma(float64(len(counts)-1)/2, chiSquare(counts)/2)
}

// upperGamma computes the regularised upper incomplete gamma function Q(a, x) for a > 0 and x ≥ 0. It sums the power
// series of the lower one where that converges quickly, and evaluates Legendre's continued fraction elsewhere.
func upperGamma(a, x float64) float64 {
	if x == 0 {
		return 1
	}
	logGamma, _ := math.Lgamma(a)
	scale := math.Exp(a*math.Log(x) - x - logGamma)
	if x < a+1 {
		return 1 - scale*lowerSeries(a, x)
	}
	return scale / upperFraction(a, x)
}

const precision = 1e-14

// lowerSeries computes Σ xⁿ / (a(a+1)…(a+n)).
func lowerSeries(a, x float64) float64 {
	term := 1 / a
	sum := term
	for n := 1.0; term > sum*precision; n++ {
		term *= x / (a + n)
		sum += term
	}
	return sum
}

// upperFraction computes x+1-a - 1(1-a)/(x+3-a - 2(2-a)/(x+5-a - …)), from a depth beyond which nothing changes.
func upperFraction(a, x float64) float64 {
	const depth = 2000
	value := x + 2*depth + 1 - a
	for n := float64(depth); n >= 1; n-- {
		value = x + 2*n - 1 - a - n*(n-a)/value
	}
	return value
}
