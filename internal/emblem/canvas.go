package emblem

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// titleLimit in code points is the longest name an entry may have; what is
// longer is cut, so that the document's size has a bound.
const titleLimit = 50

// canvas collects the elements of a document, 240 units wide and high.
type canvas struct{ bytes.Buffer }

// newCanvas opens a document with a title and clips what follows to a card with
// round corners. Every document clips alike, so the id may safely stand several
// times in a page that inlines them.
func newCanvas(title string) *canvas {
	c := new(canvas)
	c.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" role="img"><title>`)
	// A buffer's Write never fails, so neither does EscapeText.
	_ = xml.EscapeText(c, []byte(printable(title)))
	c.WriteString(`</title><clipPath id="card"><rect x="1" y="1" width="238" height="238" rx="35"/></clipPath><g clip-path="url(#card)">`)
	return c
}

// finish closes the document with the card's frame.
func (c *canvas) finish(frame string) []byte {
	c.WriteString(`</g>`)
	c.draw(`<rect x="3" y="3" width="234" height="234" rx="33" fill="none" stroke="%s" stroke-width="6"/></svg>`, frame)
	return c.Bytes()
}

func (c *canvas) draw(format string, args ...any) { fmt.Fprintf(c, format, args...) }

func (c *canvas) path(fill, d string) { c.draw(`<path fill="%s" d="%s"/>`, fill, d) }

// glaze lays a colour over what is there; percent is its opacity.
func (c *canvas) glaze(fill string, percent int, d string) {
	c.draw(`<path fill="%s" fill-opacity=".%02d" d="%s"/>`, fill, percent, d)
}

func (c *canvas) line(stroke string, width int, d string) {
	c.draw(`<path fill="none" stroke="%s" stroke-width="%d" stroke-linecap="round" d="%s"/>`, stroke, width, d)
}

func (c *canvas) circle(fill string, x, y, r int) {
	c.draw(`<circle cx="%d" cy="%d" r="%d" fill="%s"/>`, x, y, r, fill)
}

func (c *canvas) ellipse(fill string, x, y, rx, ry int) {
	c.draw(`<ellipse cx="%d" cy="%d" rx="%d" ry="%d" fill="%s"/>`, x, y, rx, ry, fill)
}

func (c *canvas) rect(fill string, x, y, width, height int) {
	c.draw(`<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`, x, y, width, height, fill)
}

// fill paints the whole card.
func (c *canvas) fill(colour string) { c.rect(colour, 0, 0, 240, 240) }

// at moves what draw does to another origin.
func (c *canvas) at(x, y int, draw func()) {
	c.draw(`<g transform="translate(%d %d)">`, x, y)
	draw()
	c.WriteString(`</g>`)
}

// mirrored repeats what draw does on the other side of the middle.
func (c *canvas) mirrored(draw func()) {
	draw()
	c.WriteString(`<g transform="matrix(-1 0 0 1 240 0)">`)
	draw()
	c.WriteString(`</g>`)
}

// printable keeps the code points that XML 1.0 can hold, at most titleLimit.
func printable(s string) string {
	var kept strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "") {
		if !inXML(r) {
			continue
		}
		if n++; n > titleLimit {
			break
		}
		kept.WriteRune(r)
	}
	return kept.String()
}

// inXML is the production Char of XML 1.0; surrogates can't occur in a rune of
// a valid string.
func inXML(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return true
	case 0xFFFE, 0xFFFF:
		return false
	}
	return r >= ' '
}
