// Package svg draws lines and bars. It is small on purpose: a plotting library in the binary parses its fonts when the
// program starts, which cost every service 5 MiB of resident memory.
package svg

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Chart is a drawing of lines, or of bars. The vertical axis begins at 0.
type Chart struct {
	Title, X, Y string // and what stands at the axes

	Lines []Line
	Scale func(x float64) float64 // of lines: where x lies on its axis, from 0 to 1; linear from 0 when nil
	Ticks []float64               // of lines: what is marked on that axis; chosen when there are none

	Bars  []string // names of bars
	Parts []Part   // what each bar is made of, from below
}

// Line is a line through points, in order.
type Line struct {
	Name   string
	Points []Point
}

// Point is where a line passes.
type Point struct{ X, Y float64 }

// Part is a part of every bar: a value for each. Those that are no number are left out; a bar of no other is not known.
type Part struct {
	Name   string
	Values []float64
}

// The drawing, in pixels.
const (
	width, height            = 820, 440
	left, right, top, bottom = 80, 620, 50, 380 // of what the axes enclose; the legend stands to the right
	lineHeight               = 20
)

// Write writes the chart.
func (c Chart) Write(w io.Writer) error {
	p := &page{}
	p.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="13">`, width, height, width, height)
	p.add(`<rect width="100%%" height="100%%" fill="white"/>`)
	p.text((left+right)/2, top-20, "middle", c.Title, ` font-size="16"`)
	p.text((left+right)/2, height-15, "middle", c.X, "")
	p.add(`<g transform="rotate(-90 20 %d)">`, (top+bottom)/2)
	p.text(20, (top+bottom)/2, "middle", c.Y, "")
	p.add("</g>")
	highest := c.yAxis(p)
	if len(c.Bars) > 0 {
		c.bars(p, highest)
	} else {
		c.lines(p, highest)
	}
	p.add(`<path d="M%d %dV%dH%d" fill="none" stroke="black"/>`, left, top, bottom, right)
	p.add("</svg>")
	_, err := io.WriteString(w, p.String())
	return err
}

// page is what was drawn so far.
type page struct{ strings.Builder }

func (p *page) add(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

func (p *page) text(x, y float64, anchor, text, attributes string) {
	p.add(`<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>`, x, y, anchor, attributes, escape(text))
}

func escape(text string) string {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(text)) // a Builder takes everything
	return escaped.String()
}

// color is one that people with any sight tell from its neighbours (the palette of Okabe and Ito).
func color(i int) string {
	palette := []string{"#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"}
	return palette[i%len(palette)]
}

// dashes tell lines apart when the colours come again.
func dashes(i int) string {
	patterns := []string{"", ` stroke-dasharray="6 3"`, ` stroke-dasharray="2 3"`}
	return patterns[i/7%len(patterns)]
}

func (p *page) legend(i int, name string) {
	y := float64(top + i*lineHeight)
	p.add(`<rect x="%d" y="%.1f" width="14" height="6" fill="%s"/>`, right+20, y, color(i))
	p.text(right+42, y+8, "start", name, "")
}

// yAxis draws the vertical axis and returns its upper end.
func (c Chart) yAxis(p *page) float64 {
	highest := c.highest()
	step := nice(highest / 5)
	highest = math.Max(1, math.Ceil(highest/step)) * step
	for i := 0; float64(i)*step <= highest*1.0001; i++ {
		y := vertical(float64(i)*step, highest)
		p.add(`<path d="M%d %.1fH%d" stroke="#ddd"/>`, left, y, right)
		p.text(left-8, y+4, "end", number(float64(i)*step), "")
	}
	return highest
}

// highest returns the largest value, 1 when there is none above 0.
func (c Chart) highest() float64 {
	highest := 0.0
	for _, line := range c.Lines {
		for _, point := range line.Points {
			highest = math.Max(highest, known(point.Y))
		}
	}
	for i := range c.Bars {
		sum := 0.0
		for _, part := range c.Parts {
			sum += known(part.Values[i])
		}
		highest = math.Max(highest, sum)
	}
	if highest == 0 {
		return 1
	}
	return highest
}

// known returns a value that can be drawn, 0 for one that can't.
func known(value float64) float64 {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0
	}
	return math.Max(0, value)
}

// nice returns the least of 1, 2 and 5 times a power of ten that is not below x.
func nice(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= x {
			return digit * power
		}
	}
	return 10 * power
}

// short writes four digits, and all of those before the point.
func short(x float64) string {
	if x >= 1000 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

func vertical(y, highest float64) float64 { return bottom - known(y)/highest*(bottom-top) }

func (c Chart) lines(p *page, highest float64) {
	scale, ticks := c.horizontal()
	for _, tick := range ticks {
		x := left + scale(tick)*(right-left)
		p.add(`<path d="M%.1f %dV%d" stroke="#ddd"/>`, x, top, bottom)
		p.text(x, bottom+18, "middle", number(tick), "")
	}
	for i, line := range c.Lines {
		var path strings.Builder
		for j, point := range line.Points {
			command := "L"
			if j == 0 {
				command = "M"
			}
			x, y := left+scale(point.X)*(right-left), vertical(point.Y, highest)
			fmt.Fprintf(&path, "%s%.1f %.1f", command, x, y)
			p.add(`<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`, x, y, color(i))
		}
		p.add(`<path d="%s" fill="none" stroke="%s" stroke-width="1.5"%s/>`, path.String(), color(i), dashes(i))
		p.legend(i, line.Name)
	}
}

// horizontal returns the scale and the ticks of lines.
func (c Chart) horizontal() (scale func(float64) float64, ticks []float64) {
	if c.Scale != nil {
		return c.Scale, c.Ticks
	}
	largest := 0.0
	for _, line := range c.Lines {
		for _, point := range line.Points {
			largest = math.Max(largest, point.X)
		}
	}
	if largest == 0 {
		largest = 1
	}
	if ticks = c.Ticks; ticks == nil {
		step := nice(largest / 5)
		for i := 0; float64(i)*step <= largest; i++ {
			ticks = append(ticks, float64(i)*step)
		}
	}
	return func(x float64) float64 { return x / largest }, ticks
}

func (c Chart) bars(p *page, highest float64) {
	room := float64(right-left) / float64(len(c.Bars))
	for i, name := range c.Bars {
		middle, sum, label := left+(float64(i)+0.5)*room, 0.0, "not known"
		for j, part := range c.Parts {
			value := known(part.Values[i])
			upper, lower := vertical(sum+value, highest), vertical(sum, highest)
			p.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, middle-room/4, upper, room/2, lower-upper, color(j))
			if sum += value; !math.IsNaN(part.Values[i]) {
				label = short(sum)
			}
		}
		p.text(middle, vertical(sum, highest)-5, "middle", label, "")
		p.text(middle, bottom+18, "middle", name, "")
	}
	for j, part := range c.Parts {
		p.legend(j, part.Name)
	}
}
