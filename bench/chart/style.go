package chart

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ink returns the colour of samples in the legend that stand for lines or bars of any colour.
func ink() color.RGBA { return color.RGBA{0x40, 0x40, 0x40, 0xff} }

// hue returns the colour of one of the names: grey for the baseline, otherwise a colour from the Okabe-Ito palette, whose
// colours are distinguishable with any form of colour blindness.
func hue(names []string, name string) color.RGBA {
	if name == Baseline {
		return color.RGBA{0x80, 0x80, 0x80, 0xff}
	}
	palette := []color.RGBA{
		{0x00, 0x72, 0xb2, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xd5, 0x5e, 0x00, 0xff},
		{0xcc, 0x79, 0xa7, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x00, 0x00, 0x00, 0xff},
	}
	others := slices.DeleteFunc(slices.Clone(names), func(other string) bool { return other == Baseline })
	return palette[slices.Index(others, name)%len(palette)]
}

// shade returns a lighter shade of a colour for each segment above the first.
func shade(of color.RGBA, segment int) color.RGBA {
	for range segment {
		of = color.RGBA{lighter(of.R), lighter(of.G), lighter(of.B), 0xff}
	}
	return of
}

func lighter(part uint8) uint8 { return part + uint8(float64(0xff-part)*0.6) }

// lineStyle returns the style of the lines of one colour and variant.
func lineStyle(of color.Color, variant int) draw.LineStyle {
	dashes := [][]vg.Length{nil, {7, 3}, {2, 3}, {9, 3, 2, 3}, {5, 2, 2, 2, 2, 2}, {14, 4}}
	return draw.LineStyle{Color: of, Width: 1.5, Dashes: dashes[variant%len(dashes)]}
}

// explain adds a sample of each name's colour and, if there are any, of each variant's dashes to the legend.
func explain(legend *plot.Legend, names, variants []string) {
	for _, name := range names {
		legend.Add(name, &plotter.Line{LineStyle: lineStyle(hue(names, name), 0)})
	}
	if len(variants) == 1 && variants[0] == "" {
		return
	}
	for i, variant := range variants {
		legend.Add(variant, &plotter.Line{LineStyle: lineStyle(ink(), i)})
	}
}

// Distinct returns the texts without repetitions, in order of first appearance.
func Distinct(texts []string) []string {
	var all []string
	for _, text := range texts {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}
