package telemetry

import (
	"math"
	"testing"
)

func TestQuantile(t *testing.T) {
	bounds := []float64{1, 2, 4}
	for _, c := range []struct {
		name    string
		q       float64
		buckets []uint64
		want    float64
	}{
		{"no values", 0.99, []uint64{0, 0, 0, 0}, math.NaN()},
		{"first bucket", 0.5, []uint64{4, 0, 0, 0}, 0.5},
		{"within a bucket", 0.75, []uint64{2, 0, 2, 0}, 3},
		{"at a bound", 0.5, []uint64{2, 2, 0, 0}, 1},
		{"empty buckets before", 0, []uint64{0, 0, 4, 0}, 2},
		{"beyond the last bound", 0.99, []uint64{1, 0, 0, 9}, 4},
	} {
		if got := Quantile(c.q, bounds, c.buckets); got != c.want && !math.IsNaN(got+c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
