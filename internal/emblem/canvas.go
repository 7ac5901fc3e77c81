package emblem

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// titleLimit is the maximum length of an entry's name, in code points. Longer ones
// are truncated, so that the document's size is bounded.
const titleLimit = 50

// canvas collects the elements of a document, 240 units wide and high.
type canvas struct{ bytes.Buffer }

// newCanvas opens a document with a title and clips everything after it to a card
// with round corners. The clip path is the same in every document, so its id may
// safely occur several times in a page that inlines them.
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

// glaze draws a translucent shape; percent is its opacity.
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

// at calls draw with the origin moved to x, y.
func (c *canvas) at(x, y int, draw func()) {
	c.draw(`<g transform="translate(%d %d)">`, x, y)
	draw()
	c.WriteString(`</g>`)
}

// mirrored calls draw twice, the second time mirrored at the vertical axis.
func (c *canvas) mirrored(draw func()) {
	draw()
	c.WriteString(`<g transform="matrix(-1 0 0 1 240 0)">`)
	draw()
	c.WriteString(`</g>`)
}

// printable returns the code points of s that XML 1.0 allows, at most titleLimit.
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

// inXML reports whether r matches the production Char of XML 1.0. Surrogates can't
// occur in a valid string.
func inXML(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return true
	case 0xFFFE, 0xFFFF:
		return false
	}
	return r >= ' '
}
