package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"
)

// write returns the chart's text elements and its SVG, which must be well-formed and identical on every call.
func write(t *testing.T, c Chart) (texts []string, svg string) {
	t.Helper()
	var text, again strings.Builder
	if err := errors.Join(c.Write(&text), c.Write(&again)); err != nil {
		t.Fatal(err)
	}
	if text.String() != again.String() {
		t.Error("two calls to Write produced different SVGs")
	}
	inText := false
	for decoder := xml.NewDecoder(strings.NewReader(text.String())); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, text.String())
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				texts = append(texts, string(token))
			}
		}
	}
	for _, bad := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(text.String(), bad) {
			t.Errorf("the SVG contains %s:\n%s", bad, text.String())
		}
	}
	return texts, text.String()
}

func TestWrite(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct {
		name  string
		chart Chart
		want  string // text elements of the SVG, in this order
	}{
		{"lines", Chart{Title: "a < b", X: "rate", Y: "ms", Lines: []Line{{"one & only", plotter.XYs{{X: 0, Y: 0}, {X: 50, Y: 10}, {X: 100, Y: 5}}}}},
			"one & only|a < b|rate|0|50|100|ms|0|5|10"},
		{"ticks", Chart{Ticks: []float64{1, 10, 100}, Lines: []Line{{"l", plotter.XYs{{X: 1, Y: 1}}}}}, "l|1|10|100|0|0.5"},
		{"bars", Chart{Bars: []string{"a", "b", "c"}, Parts: []Part{{"low", []float64{10, none, none}}, {"high", []float64{10, 5, math.Inf(1)}}}},
			"low|high|a|b|c|0|20|5|not known"},
		{"no lines", Chart{Title: "empty"}, "empty"},
		{"an empty line", Chart{Lines: []Line{{"l", nil}}}, "l"},
		{"a line with no finite values", Chart{Lines: []Line{{"l", plotter.XYs{{X: 1, Y: none}, {X: 2, Y: math.Inf(1)}}}}}, "l"},
		{"bars without parts", Chart{Bars: []string{"a"}}, "a|not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			texts, svg := write(t, c.chart)
			rest := texts
			for want := range strings.SplitSeq(c.want, "|") {
				for len(rest) > 0 && rest[0] != want {
					rest = rest[1:]
				}
				if len(rest) == 0 {
					t.Fatalf("text %q is missing or out of order in %q\n%s", want, texts, svg)
				}
				rest = rest[1:]
			}
		})
	}
}

// TestScale uses a square-root scale, on which the first quarter of the range takes up half of the axis.
func TestScale(t *testing.T) {
	draw := func(middle float64, scale func(float64) float64) string {
		points := plotter.XYs{{X: 0, Y: 1}, {X: middle, Y: 1}, {X: 100, Y: 1}}
		_, svg := write(t, Chart{Scale: scale, Ticks: []float64{0, middle, 100}, Lines: []Line{{"l", points}}})
		return svg
	}
	root := draw(25, func(x float64) float64 { return 10 * math.Sqrt(x) })
	if got, want := strings.ReplaceAll(root, ">25<", ">50<"), draw(50, nil); got != want {
		t.Errorf("the tick 25 is not in the middle of the axis:\n%s\n%s", got, want)
	}
}
