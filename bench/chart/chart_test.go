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
		{"lines", Chart{Title: "a < b", X: "rate", Y: "ms", Lines: []Line{{"one & only", "", plotter.XYs{{X: 0, Y: 0}, {X: 50, Y: 10}, {X: 100, Y: 5}}}}},
			"one & only|a < b|rate|0|50|100|ms|0|5|10"},
		{"variants", Chart{Lines: []Line{{"floor", "10/s", nil}, {"a", "10/s", nil}, {"floor", "97/s", nil}, {"a", "97/s", nil}}}, "floor|a|10/s|97/s|0"},
		{"ticks", Chart{Ticks: []float64{1, 10, 100}, Lines: []Line{{"l", "", plotter.XYs{{X: 1, Y: 1}}}}}, "l|1|10|100|0|0.5"},
		{"bars", Chart{Bars: []string{"a", "b", "c"}, Parts: []Part{{"low", []float64{10, none, none}}, {"high", []float64{10, 5, math.Inf(1)}}}},
			"low|high|a|b|c|0|20|20.0|5.00|not known"},
		{"one part", Chart{Bars: []string{"a"}, Parts: []Part{{"low", []float64{12_000}}}}, "a|10,000|12,000"},
		{"no lines", Chart{Title: "empty"}, "empty"},
		{"an empty line", Chart{Lines: []Line{{"l", "", nil}}}, "l"},
		{"a line with no finite values", Chart{Lines: []Line{{"l", "", plotter.XYs{{X: 1, Y: none}, {X: 2, Y: math.Inf(1)}}}}}, "l"},
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
		_, svg := write(t, Chart{Scale: scale, Ticks: []float64{0, middle, 100}, Lines: []Line{{"l", "", points}}})
		return svg
	}
	root := draw(25, func(x float64) float64 { return 10 * math.Sqrt(x) })
	if got, want := strings.ReplaceAll(root, ">25<", ">50<"), draw(50, nil); got != want {
		t.Errorf("the tick 25 is not in the middle of the axis:\n%s\n%s", got, want)
	}
}

// TestStyles checks that the colour depends only on the name, the dashes only on the variant and the shade only on the
// part, and that the baseline is grey without using up a colour.
func TestStyles(t *testing.T) {
	points := plotter.XYs{{X: 0, Y: 1}, {X: 1, Y: 2}}
	_, lines := write(t, Chart{Lines: []Line{
		{"floor", "slow", points}, {"a", "slow", points}, {"b", "slow", points}, {"floor", "fast", points}, {"a", "fast", points}, {"b", "fast", points},
	}})
	for style, want := range map[string]int{
		"stroke:#808080": 3, "stroke:#0072B2": 3, "stroke:#E69F00": 3, // two lines and a sample in the legend each
		"stroke-dasharray:7,3": 4, // three lines and a sample
	} {
		if got := strings.Count(lines, style); got != want {
			t.Errorf("%d lines have the style %s, want %d\n%s", got, style, want, lines)
		}
	}
	_, bars := write(t, Chart{Bars: []string{"floor", "a"}, Parts: []Part{{"low", []float64{1, 2}}, {"high", []float64{1, 2}}}})
	for _, fill := range []string{"#808080", "#CCCCCC", "#0072B2", "#99C6E0"} {
		if strings.Count(bars, "fill:"+fill) != 1 {
			t.Errorf("not one segment has the colour %s\n%s", fill, bars)
		}
	}
}
