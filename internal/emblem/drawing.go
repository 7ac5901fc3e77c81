package emblem

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"sync"
)

// partsSVG and looksSVG contain the fixed elements of drawings. Colours are given as tone names, such as fill="cape".
// The content of a group with the class "mirrored" is drawn twice, the second time mirrored about the vertical axis.
var (
	//go:embed parts.svg
	partsSVG []byte
	//go:embed looks.svg
	looksSVG []byte
)

// part is a group in parts.svg or looks.svg. Groups with the same class are alternatives, one of which is drawn.
type part struct {
	ID      string `xml:"id,attr"`
	Class   string `xml:"class,attr"`
	Words   string `xml:"data-words,attr"`   // for power signs only: prefixes of words that name the power
	Names   string `xml:"data-names,attr"`   // for looks only: names of the character, separated by commas
	Colours string `xml:"data-colours,attr"` // for looks only: the colours of characterTones
	SVG     string `xml:",innerxml"`
}

// parts returns the groups in parts.svg and looks.svg by class and by id; ids begin with #. The files are parsed when
// the first picture is drawn.
var parts = sync.OnceValue(func() map[string][]part { //nolint:gochecknoglobals // never changed
	found := map[string][]part{}
	for _, file := range [][]byte{partsSVG, looksSVG} {
		for _, p := range groups(file) {
			if p.Class != "" {
				found[p.Class] = append(found[p.Class], p)
			}
			if p.ID != "" {
				found["#"+p.ID] = append(found["#"+p.ID], p)
			}
		}
	}
	return found
})

// groups parses an SVG file, and returns its groups without indentation and with mirrored content written twice.
func groups(file []byte) []part {
	var svg struct {
		Parts []part `xml:"g"`
	}
	if err := xml.Unmarshal(file, &svg); err != nil {
		panic(err) // the file is embedded in the program
	}
	indent := regexp.MustCompile(`\n *`)
	mirrored := regexp.MustCompile(`<g class="mirrored">(.*?)</g>`)
	for i, p := range svg.Parts {
		svg.Parts[i].SVG = mirrored.ReplaceAllString(indent.ReplaceAllString(p.SVG, ""), `$1<g transform="matrix(-1 0 0 1 240 0)">$1</g>`)
	}
	return svg.Parts
}

// drawing is an unfinished picture, 240 units wide and high, whose colours are still tone names.
type drawing struct {
	bytes.Buffer
	seed  uint64
	tones []string // names and colours, alternating
}

// titleLimit is the maximum length of an entry's name, in code points. Longer names are truncated, so that the
// document's size is bounded.
const titleLimit = 50

// newDrawing starts a document with the entry's name as its title, and clips the drawing to a card with rounded
// corners. The clip path is the same in all documents, so it doesn't matter if its id occurs several times on a page.
func newDrawing(kind string, id int64, name string) *drawing {
	d := &drawing{seed: hash(kind, id, name)}
	d.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" role="img"><title>`)
	// EscapeText never fails, because a buffer's Write never fails. EscapeText escapes quotes, so that no quoted word in a
	// name is mistaken for a tone.
	_ = xml.EscapeText(d, []byte(printable(name)))
	d.WriteString(`</title><clipPath id="card"><rect x="1" y="1" width="238" height="238" rx="35"/></clipPath><g clip-path="url(#card)">`)
	return d
}

// finish completes the document with the card's frame, and returns it with colours in place of tones.
func (d *drawing) finish(frame string) []byte {
	d.draw(`</g><rect x="3" y="3" width="234" height="234" rx="33" fill="none" stroke="%s" stroke-width="6"/></svg>`, frame)
	pairs := make([]string, len(d.tones))
	for i, text := range d.tones {
		pairs[i] = `"` + text + `"`
	}
	return []byte(strings.NewReplacer(pairs...).Replace(d.String()))
}

// paint assigns colours to the tones in a space-separated list.
func (d *drawing) paint(names string, colours ...string) {
	for i, name := range strings.Fields(names) {
		d.tones = append(d.tones, name, colours[i])
	}
}

func (d *drawing) draw(format string, args ...any) { fmt.Fprintf(d, format, args...) }

// part draws a random part from a class.
func (d *drawing) part(class string) { d.WriteString(d.choose(class)) }

// choose returns the SVG of a random part from a class.
func (d *drawing) choose(class string) string {
	all := parts()[class]
	if len(all) == 1 {
		return all[0].SVG
	}
	return oneOf(d, all).SVG
}

// at calls draw with the origin moved to x, y.
func (d *drawing) at(x, y int, draw func()) {
	d.draw(`<g transform="translate(%d %d)">`, x, y)
	draw()
	d.WriteString(`</g>`)
}

// partAt draws a part with its origin at x, y.
func (d *drawing) partAt(x, y int, class string) { d.at(x, y, func() { d.part(class) }) }

func (d *drawing) circle(fill string, x, y, r int) {
	d.draw(`<circle cx="%d" cy="%d" r="%d" fill="%s"/>`, x, y, r, fill)
}

func (d *drawing) rect(fill string, x, y, width, height int) {
	d.draw(`<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`, x, y, width, height, fill)
}

// hash returns the seed for the random choices in an entry's drawing.
func hash(kind string, id int64, name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(kind))
	var digits [8]byte
	for i := range digits {
		digits[i] = byte(id >> (8 * i))
	}
	h.Write(digits[:])
	h.Write([]byte(name))
	return h.Sum64() | 1 // with a seed of zero, xorshift would only return zeros
}

// below returns the next random number in [0, n); n must be positive. The generator (xorshift64*) is implemented here
// because math/rand may change its sequences between versions of Go, which would change every picture.
func (d *drawing) below(n int) int {
	d.seed ^= d.seed >> 12
	d.seed ^= d.seed << 25
	d.seed ^= d.seed >> 27
	return int((d.seed * 0x2545f4914f6cdd1d >> 33) % uint64(n))
}

// between returns the next random number in [low, high].
func (d *drawing) between(low, high int) int { return low + d.below(high-low+1) }

// oneOf returns a random element of choices.
func oneOf[T any](d *drawing, choices []T) T { return choices[d.below(len(choices))] }

// printable returns the first code points of s that XML 1.0 allows, up to titleLimit.
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

// inXML reports whether XML 1.0 allows the character r, which must not be a surrogate.
func inXML(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return true
	case 0xFFFE, 0xFFFF:
		return false
	}
	return r >= ' '
}
