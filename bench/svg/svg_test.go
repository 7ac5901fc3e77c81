package svg

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func write(t *testing.T, c Chart) string {
	t.Helper()
	var text strings.Builder
	if err := c.Write(&text); err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(text.String())); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, text.String())
		}
	}
	for _, bad := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(text.String(), bad) {
			t.Errorf("%s is drawn:\n%s", bad, text.String())
		}
	}
	return text.String()
}

func TestLines(t *testing.T) {
	text := write(t, Chart{Title: "a < b", X: "rate", Y: "ms", Lines: []Line{{"one & only", []Point{{0, 0}, {50, 10}, {100, 5}}}}})
	for _, part := range []string{
		"a &lt; b", ">rate<", ">ms<", "one &amp; only",
		`d="M80.0 380.0L350.0 50.0L620.0 215.0"`, // from the origin to the middle above, and half down at the right end
		`text-anchor="end">10<`, `text-anchor="middle">100<`,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing:\n%s", part, text)
		}
	}
}

func TestScale(t *testing.T) {
	text := write(t, Chart{Scale: func(x float64) float64 { return x * x }, Ticks: []float64{0.5}, Lines: []Line{{"l", []Point{{0, 1}, {0.5, 1}}}}})
	if !strings.Contains(text, `L215.0 `) || !strings.Contains(text, `>0.5<`) {
		t.Errorf("a quarter of the way is missing:\n%s", text)
	}
}

func TestBars(t *testing.T) {
	none := math.NaN()
	text := write(t, Chart{Bars: []string{"a", "b", "c"}, Parts: []Part{{"low", []float64{10, none, none}}, {"high", []float64{10, 5, none}}}})
	for _, part := range []string{
		`y="215.0" width="90.0" height="165.0" fill="#0072B2"`, // the lower half of the first
		`y="50.0" width="90.0" height="165.0" fill="#E69F00"`,  // the upper half
		`y="297.5" width="90.0" height="82.5" fill="#E69F00"`,  // of the second only that is known
		">20<", ">5<", ">not known<", ">low<", ">high<",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing:\n%s", part, text)
		}
	}
}

func TestNothing(t *testing.T) {
	for name, c := range map[string]Chart{
		"no lines":      {},
		"a line of one": {Lines: []Line{{"l", []Point{{0, 0}}}}},
		"an empty line": {Lines: []Line{{"l", nil}}},
		"no numbers":    {Lines: []Line{{"l", []Point{{1, math.NaN()}, {2, math.Inf(1)}}}}},
		"empty bars":    {Bars: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) { write(t, c) })
	}
}

func TestNice(t *testing.T) {
	for x, want := range map[float64]float64{0.7: 1, 1: 1, 1.1: 2, 3: 5, 6: 10, 0.03: 0.05, 1234: 2000} {
		if got := nice(x); math.Abs(got-want) > 1e-12 {
			t.Errorf("%v: got %v, want %v", x, got, want)
		}
	}
}
