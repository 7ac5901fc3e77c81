// Package stat summarizes repeated runs of the same measurement, without assuming a particular distribution.
package stat

import (
	"math"
	"slices"
)

// Median returns the middle value, or the mean of the two middle values if the number of values is even. It returns NaN
// if there are no values.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Interval is a confidence interval; Confidence is the probability, from 0 to 1, that the true value lies in it.
type Interval struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
}

// MedianInterval returns the exact confidence interval of the median by order statistics: the narrowest symmetric
// interval that reaches the wanted confidence or, with too few values for that, the range from minimum to maximum with
// the confidence of that range.
//
// It assumes the values are independent and identically distributed, but nothing about the distribution. The number of
// values below the true median is then binomial with p = 1/2, so [x(k), x(n+1-k)] misses it with probability 2 P(B(n,
// 1/2) < k). See H. A. David and H. N. Nagaraja, Order Statistics, 3rd edition, section 7.1.
func MedianInterval(values []float64, wanted float64) Interval {
	n := len(values)
	if n == 0 {
		return Interval{math.NaN(), math.NaN(), 0}
	}
	sorted := slices.Sorted(slices.Values(values))
	k, confidence := 1, 1-2*binomialBelow(n, 1)
	for next := 2; next <= n/2; next++ {
		narrower := 1 - 2*binomialBelow(n, next)
		if narrower < wanted {
			break
		}
		k, confidence = next, narrower
	}
	return Interval{sorted[k-1], sorted[n-k], confidence}
}

// binomialBelow returns P(B(n, 1/2) < k).
func binomialBelow(n, k int) float64 {
	sum, term := 0.0, math.Pow(0.5, float64(n))
	for i := range k {
		sum += term
		term *= float64(n-i) / float64(i+1)
	}
	return sum
}

// Ratio compares two series of alternating runs.
type Ratio struct {
	OfMedians float64  `json:"of_medians"` // the median of one series divided by the median of the other
	Paired    float64  `json:"paired"`     // the median of the per-round ratios, in which machine drift cancels out
	Interval  Interval `json:"interval"`   // of Paired
}

// RatioOf compares two series round by round. If one series has more rounds, the extra rounds count only towards its
// median. Rounds in which the base is 0 are excluded from the paired ratios. It returns false if there is no ratio.
func RatioOf(values, base []float64, wanted float64) (Ratio, bool) {
	var paired []float64
	for i := range min(len(values), len(base)) {
		if base[i] != 0 {
			paired = append(paired, values[i]/base[i])
		}
	}
	whole := Median(base)
	if len(paired) == 0 || whole == 0 {
		return Ratio{}, false
	}
	return Ratio{OfMedians: Median(values) / whole, Paired: Median(paired), Interval: MedianInterval(paired, wanted)}, true
}

// beyond is the number of values that must lie above a percentile for it to be reported.
const beyond = 10

// Supports reports whether a sample is large enough for a percentile: at least 10 of the values must lie above it. So
// the median needs 20 values, p99 1,000 and p99.9 10,000. With fewer, a percentile is little more than the maximum.
func Supports(values int64, percent float64) bool {
	const inexact = 1e-6 // 100 - 99.9 is a little less than 0.1
	return float64(values)*(100-percent) >= 100*beyond-inexact
}
