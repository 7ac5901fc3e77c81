package telemetry

import "math"

// Quantile estimates a quantile, from 0 to 1, of the values in a histogram's buckets. Like histogram_quantile in
// Prometheus, it assumes that the values in a bucket are evenly distributed, that the first bucket begins at 0, and
// that no value exceeds the last bound. If there are no values, it returns NaN.
func Quantile(q float64, bounds []float64, buckets []uint64) float64 {
	total := uint64(0)
	for _, n := range buckets {
		total += n
	}
	if total == 0 {
		return math.NaN()
	}
	rank, lower := q*float64(total), 0.0
	for i, bound := range bounds {
		n := float64(buckets[i])
		if n > 0 && rank <= n {
			return lower + (bound-lower)*rank/n
		}
		rank, lower = rank-n, bound
	}
	return lower
}
