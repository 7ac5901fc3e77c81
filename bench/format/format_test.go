package format

import (
	"math"
	"testing"
)

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		n                    float64
		number, brief, exact string
	}{
		{1234.4, "1,234", "1,234", "1,234.4"},
		{-16_832, "-16,832", "-16,832", "-16,832"},
		{99.94, "99.9", "100", "99.94"},
		{9.96, "9.96", "10", "9.96"},
		{1.5, "1.50", "1.5", "1.5"},
		{0.996, "0.996", "1.0", "0.996"},
		{0.012345, "0.0123", "0.012", "0.012345"},
		{0, "0", "0", "0"},
	} {
		if number, brief, exact := Number(c.n), Brief(c.n), Exact(c.n); number != c.number || brief != c.brief || exact != c.exact {
			t.Errorf("%v: got %s, %s and %s; want %s, %s and %s", c.n, number, brief, exact, c.number, c.brief, c.exact)
		}
	}
	for _, n := range []float64{math.NaN(), math.Inf(1)} {
		if got := Number(n) + Brief(n); got != "--" {
			t.Errorf("%v: got %s", n, got)
		}
	}
}
