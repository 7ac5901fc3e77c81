package emblem

import (
	"hash/fnv"
	"math/bits"
	"strings"
	"unicode"
)

// badges is the maximum number of power signs beside the bust.
const badges = 8

// portrait is a drawing of a character.
type portrait struct {
	*drawing
	team string // "hero" or "villain"; also the prefix of the parts' class names
	look *part  // nil unless the character is famous
}

// SVG returns the character's picture: a bust on a patterned background, with the initial on the chest, signs for the
// kinds of power on both sides, and a row of rank marks that grows with the level.
func (c Character) SVG() []byte {
	team := "hero"
	if c.Team == Villain {
		team = "villain"
	}
	p := portrait{newDrawing(team, c.ID, c.Name), team, lookOf(c.Name)}
	p.dress()
	p.background()
	p.bust()
	p.chest(c.Name)
	p.powers(c.Powers)
	p.ranks(rank(c.Level))
	return p.finish("trim")
}

// background paints the card and one of the team's patterns.
func (p *portrait) background() {
	p.rect("sky", 0, 0, 240, 240)
	patterns := []func(){p.rays, p.rings, p.stripes, p.dots}
	if p.team == "villain" {
		patterns = []func(){p.moonrise, p.rings, p.cracks, p.peaks}
	}
	oneOf(p.drawing, patterns)()
}

func (p *portrait) rays() {
	rim := [...][2]int{ // points far outside the card, evenly spaced around (120, 100)
		{320, 100}, {293, 200}, {220, 273}, {120, 300}, {20, 273}, {-53, 200},
		{-80, 100}, {-53, 0}, {20, -73}, {120, -100}, {220, -73}, {293, 0},
	}
	for i := p.below(2); i < len(rim); i += 2 {
		a, b := rim[i], rim[(i+1)%len(rim)]
		p.draw(`<path fill="glow" d="M120 100L%d %dL%d %dZ"/>`, a[0], a[1], b[0], b[1])
	}
}

func (p *portrait) rings() {
	x, y := p.between(80, 160), p.between(70, 110)
	width := p.between(8, 14)
	for r := 36; r < 190; r += 3 * width {
		p.draw(`<circle cx="%d" cy="%d" r="%d" fill="none" stroke="glow" stroke-width="%d"/>`, x, y, r, width)
	}
}

func (p *portrait) stripes() {
	width := p.between(16, 28)
	lean := p.between(-1, 1) * 120
	for x := -130; x < 370; x += 2 * width {
		p.draw(`<path fill="glow" d="M%d 0h%dl%d 240h-%dZ"/>`, x, width, lean, width)
	}
}

// dots paints dots that grow towards the bottom, like the halftone of an old comic.
func (p *portrait) dots() {
	shift := p.below(20)
	for row := range 8 {
		p.draw(`<path fill="none" stroke="glow" stroke-width="%d" stroke-linecap="round" stroke-dasharray="0 26" d="M%d %dH250"/>`,
			5+2*row, shift-20-row%2*13, 14+26*row)
	}
}

func (p *portrait) moonrise() {
	x, y, r := p.between(60, 180), p.between(60, 96), p.between(64, 84)
	p.circle("glow", x, y, r)
	p.draw(`<circle cx="%d" cy="%d" r="%d" fill="trim" fill-opacity=".12"/>`, x, y, r-14)
}

func (p *portrait) cracks() {
	crack := func(x, a, b int) {
		p.draw(`<path fill="glow" d="M%d 0l%d 60h24l%d 70h22l-50 110l10-90h-26l%d-80h-24z"/>`, x, a, b, -a)
	}
	for range 3 {
		x, a, b := p.between(10, 90), p.between(-30, 30), p.between(-30, 30)
		crack(x, a, b)
		crack(x+110, b, a)
	}
}

func (p *portrait) peaks() {
	p.WriteString(`<path fill="glow" d="M0 240V130`)
	for x := 20; x <= 240; x += 20 {
		p.draw("L%d %d", x, p.between(40, 90)+x/20%2*60)
	}
	p.WriteString(`V240Z"/>`)
}

// bust draws the head and shoulders: the character's look, or a random back and head.
func (p *portrait) bust() {
	if p.look != nil {
		p.assemble(p.look.SVG)
		return
	}
	head := p.choose(p.team + "-head")
	p.part(p.team + "-back")
	p.assemble(head)
}

// assemble draws svg with parts in place of its <use> elements. "#bust" stands for shoulders and a blank face, and
// "#face" for random eyes and a random mouth; other parts are found by id.
func (p *portrait) assemble(svg string) {
	before, rest, found := strings.Cut(svg, `<use href="`)
	p.WriteString(before)
	if !found {
		return
	}
	id, after, _ := strings.Cut(rest, `"/>`)
	switch id {
	case "#bust":
		p.part("torso")
		p.part(p.team + "-collar")
		p.part("face")
	case "#face":
		p.part(p.team + "-eyes")
		p.part(p.team + "-mouth")
	default:
		p.assemble(p.choose(id))
	}
	p.assemble(after)
}

func (p *portrait) chest(name string) {
	p.at(120, 192, func() {
		p.part("shield")
		if letter, ok := initial(name); ok {
			p.draw(`<text y="11" text-anchor="middle" font-family="Georgia,serif" font-weight="700" font-size="32" fill="cape">%c</text>`, letter)
		} else {
			p.part("star")
		}
	})
}

// initial returns the first letter or digit of name, in upper case, and false if name contains neither.
func initial(name string) (rune, bool) {
	for _, r := range name {
		if r != unicode.ReplacementChar && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToUpper(r), true
		}
	}
	return 0, false
}

// powers draws the signs for a comma-separated list of powers.
func (p *portrait) powers(powers string) {
	for i, sign := range signs(powers, badges) {
		x, y := 33, 42+i/2*40
		if i%2 == 1 {
			x = 207
		}
		p.at(x, y, func() {
			p.WriteString(`<circle r="17" fill="cape" stroke="trim" stroke-width="2"/>` + sign)
		})
	}
}

// signs returns at most limit signs for a comma-separated list of powers, without duplicates.
func signs(powers string, limit int) []string {
	all := parts()["power"]
	seen := make([]bool, len(all))
	var found []string
	for power := range strings.SplitSeq(powers, ",") {
		power = strings.ToLower(strings.TrimSpace(power))
		if power == "" {
			continue
		}
		kind := kindOf(all, power)
		if seen[kind] {
			continue
		}
		seen[kind] = true
		if found = append(found, all[kind].SVG); len(found) == limit {
			break
		}
	}
	return found
}

// kindOf returns the index of the first sign with a prefix that matches a word of the power. The power must be in lower
// case. If no sign matches, the index is derived from a hash of the power.
func kindOf(signs []part, power string) int {
	words := strings.FieldsFunc(power, func(r rune) bool { return r == ' ' || r == '-' })
	for kind, sign := range signs {
		for beginning := range strings.FieldsSeq(sign.Words) {
			for _, word := range words {
				if strings.HasPrefix(word, beginning) {
					return kind
				}
			}
		}
	}
	h := fnv.New32a()
	h.Write([]byte(power))
	return int(h.Sum32() % uint32(len(signs)))
}

// rank returns the number of rank marks for a level: none for level 0, 1 from level 1, 2 from level 8, 3 from level 64
// and so on, up to 11.
func rank(level int32) int {
	return (bits.Len32(uint32(max(level, 0))) + 2) / 3
}

func (p *portrait) ranks(n int) {
	if n == 0 {
		return
	}
	const step = 16
	p.draw(`<rect x="%d" y="217" width="%d" height="18" rx="9" fill="cape"/>`, 120-n*step/2-4, n*step+8)
	for i := range n {
		p.partAt(120-(n-1)*step/2+i*step, 226, p.team+"-rank")
	}
}
