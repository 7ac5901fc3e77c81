package catalogtest

import "testing"

func TestPValue(t *testing.T) {
	for _, c := range []struct {
		name      string
		counts    []int
		low, high float64
	}{
		{"perfectly even", []int{100, 100, 100, 100}, 0.999, 1},
		{"typical random variation", []int{90, 110, 103, 97}, 0.5, 0.6},
		{"about 1 %: the statistic is 11.74, the critical value 11.34", []int{120, 113, 78, 89}, 0.008, 0.009},
		{"one cell with an improbably high count", []int{100, 100, 100, 200}, 0, 1e-6},
		{"one cell empty", []int{0, 134, 133, 133}, 0, 1e-6},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := PValue(c.counts); got < c.low || got > c.high {
				t.Errorf("got p = %g, want %g to %g", got, c.low, c.high)
			}
		})
	}
}
