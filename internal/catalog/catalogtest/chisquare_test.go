package catalogtest

import (
	"math"
	"testing"
)

func TestUpperGamma(t *testing.T) {
	for _, c := range []struct {
		name                     string
		freedom, statistic, want float64
	}{
		// The 5 %, 1 % and 0.1 % points from printed tables.
		{"1 degree, 5 %", 1, 3.841459, 0.05},
		{"1 degree, 0.1 %", 1, 10.827566, 0.001},
		{"5 degrees, 1 %", 5, 15.086272, 0.01},
		{"10 degrees, 5 %", 10, 18.307038, 0.05},
		{"30 degrees, 95 %", 30, 18.492661, 0.95},
		{"39 degrees, 0.1 %", 39, 72.054662, 0.001},
		{"100 degrees, 99 %", 100, 70.064895, 0.99},
		{"100 degrees, 1 %", 100, 135.806723, 0.01},
		// With 2 and 4 degrees there is a closed form.
		{"2 degrees, nothing", 2, 0, 1},
		{"2 degrees, middle", 2, 3, math.Exp(-1.5)},
		{"2 degrees, far out", 2, 200, math.Exp(-100)},
		{"4 degrees, middle", 4, 3, math.Exp(-1.5) * 2.5},
		{"4 degrees, far out", 4, 100, math.Exp(-50) * 51},
		// With 1 degree it is the complementary error function.
		{"1 degree, far out", 1, 50, math.Erfc(5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := upperGamma(c.freedom/2, c.statistic/2)
			if math.Abs(got-c.want) > 1e-6*c.want {
				t.Errorf("got %g, want %g", got, c.want)
			}
		})
	}
}

func TestPValue(t *testing.T) {
	for _, c := range []struct {
		name      string
		counts    []int
		low, high float64
	}{
		{"perfectly even", []int{100, 100, 100, 100}, 1, 1},
		{"as uneven as by chance", []int{90, 110, 103, 97}, 0.5, 0.6},
		{"one cell too full", []int{100, 100, 100, 200}, 0, 1e-6},
		{"one cell empty", []int{0, 134, 133, 133}, 0, 1e-6},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := PValue(c.counts); got < c.low || got > c.high {
				t.Errorf("got %g, want from %g to %g", got, c.low, c.high)
			}
		})
	}
}
