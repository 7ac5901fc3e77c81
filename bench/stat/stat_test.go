package stat

import (
	"math"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 || math.IsNaN(a) && math.IsNaN(b) }

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"none", nil, math.NaN()},
		{"one", []float64{7}, 7},
		{"odd", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 3, 100}, 3.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Median(c.values); !near(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestMedianDoesNotModifyItsInput(t *testing.T) {
	values := []float64{3, 1, 2}
	Median(values)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("got %v", values)
	}
}

// TestMedianInterval uses confidence levels worked out by hand: all n values lie on the same side of the median with
// probability 2 / 2^n. An interval that leaves out the k lowest and the k highest values misses the median with
// probability 2 (C(n, 0) + … + C(n, k)) / 2^n.
func TestMedianInterval(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   Interval
	}{
		{"none", nil, Interval{math.NaN(), math.NaN(), 0}},
		{"a single value yields zero confidence", []float64{4}, Interval{4, 4, 0}},
		{"two", []float64{4, 2}, Interval{2, 4, 0.5}},
		{"five values can't reach 95 %", []float64{5, 1, 4, 2, 3}, Interval{1, 5, 1 - 2.0/32}},
		{"six values just reach 95 %", []float64{6, 5, 4, 3, 2, 1}, Interval{1, 6, 1 - 2.0/64}},
		{"eight values need the full range", []float64{1, 2, 3, 4, 5, 6, 7, 8}, Interval{1, 8, 1 - 2.0/256}},
		{"nine values exclude the extremes", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, Interval{2, 8, 1 - 2*(1+9)/512.0}},
		{"twelve values exclude two at each end", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, Interval{3, 10, 1 - 2*(1+12+66)/4096.0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := MedianInterval(c.values, 0.95)
			if !near(got.Low, c.want.Low) || !near(got.High, c.want.High) || !near(got.Confidence, c.want.Confidence) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestRatioOf(t *testing.T) {
	// The machine became twice as slow in the third round; the paired ratios must be unaffected.
	got, ok := RatioOf([]float64{10, 12, 20}, []float64{5, 5, 10}, 0.95)
	want := Ratio{OfMedians: 12.0 / 5, Paired: 2, Interval: Interval{2, 2.4, 0.75}}
	if !ok || !near(got.OfMedians, want.OfMedians) || !near(got.Paired, want.Paired) ||
		!near(got.Interval.Low, 2) || !near(got.Interval.High, 2.4) || !near(got.Interval.Confidence, 0.75) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRatioOfSkipsRoundsWithoutABase(t *testing.T) {
	if got, ok := RatioOf([]float64{10, 10, 10}, []float64{0, 5, 5, 5}, 0.95); !ok || got.Paired != 2 || got.Interval.Confidence != 0.5 {
		t.Errorf("got %+v", got)
	}
}

func TestNoRatio(t *testing.T) {
	for _, c := range []struct {
		name         string
		values, base []float64
	}{
		{"no rounds", nil, nil},
		{"no base", []float64{1}, nil},
		{"a base of 0", []float64{1}, []float64{0, 2}},
		{"a median of 0", []float64{1, 1, 1}, []float64{1, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, ok := RatioOf(c.values, c.base, 0.95); ok {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestSupports(t *testing.T) {
	for percent, enough := range map[float64]int64{0: 10, 50: 20, 90: 100, 95: 200, 99: 1000, 99.9: 10_000, 99.99: 100_000} {
		if !Supports(enough, percent) || Supports(enough-1, percent) {
			t.Errorf("p%v: %d values should be just enough", percent, enough)
		}
	}
}
