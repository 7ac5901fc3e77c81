package emblem

import (
	"math/bits"
	"strings"
	"unicode"
)

// badges is the maximum number of power signs beside the bust.
const badges = 8

// portrait is the drawing of a character.
type portrait struct {
	*canvas
	seed    seed
	palette palette
	team    Team
}

// SVG returns the character's picture: a bust on a pattern, the initial on
// the chest, a sign for each kind of power at the sides and a row of rank marks
// that grows with the level.
func (c Character) SVG() []byte {
	kind := "hero"
	if c.Team == Villain {
		kind = "villain"
	}
	s := newSeed(kind, c.ID, c.Name)
	p := portrait{canvas: newCanvas(c.Name), palette: newPalette(c.Team, &s), team: c.Team, seed: s}
	p.background()
	p.bust()
	p.chest(c.Name)
	p.powers(c.Powers)
	p.ranks(rank(c.Level))
	return p.finish(p.palette[trim])
}

// choose picks one of the drawings for the portrait's team.
func choose[T any](p *portrait, heroes, villains []T) T {
	if p.team == Villain {
		return oneOf(&p.seed, villains)
	}
	return oneOf(&p.seed, heroes)
}

func (p *portrait) layers(layers []layer) {
	for _, l := range layers {
		draw := func() { p.path(p.palette[l.tone], l.d) }
		if l.mirrored {
			p.mirrored(draw)
			continue
		}
		draw()
	}
}

func (p *portrait) bust() {
	h := choose(p, heroHeads(), villainHeads())
	p.layers(choose(p, heroBacks(), villainBacks()))
	p.layers(h.back)
	p.layers(torso())
	p.glaze(p.palette[dark], 25, "M105 130Q120 146 135 126V146L120 158L105 146Z")
	p.layers(choose(p, heroCollars(), villainCollars()))
	p.path(p.palette[skin], "M88 78C88 46 152 46 152 78V98C152 118 136 132 120 132C104 132 88 118 88 98Z")
	p.glaze(p.palette[dark], 12, "M120 54C150 52 152 78 152 98C152 118 136 132 120 132C142 112 142 76 120 54Z")
	if h.eyes == openEyes {
		p.face()
	}
	p.layers(h.front)
	if h.eyes == lensEyes {
		p.lenses()
	}
}

// face draws the eyes, some with a mask around them, and the mouth.
func (p *portrait) face() {
	if p.team == Villain {
		p.mirrored(func() {
			p.path(p.palette[dark], "M92 88L116 98C112 106 96 104 92 88Z")
			p.path(p.palette[trim], "M97 93L112 99C108 103 100 101 97 93Z")
		})
		p.path(p.palette[dark], oneOf(&p.seed, []string{
			"M108 117Q122 111 134 115Q122 116 108 117Z",
			"M104 112Q120 116 136 112Q120 130 104 112Z",
			"M106 116H134V119H106Z",
		}))
		return
	}
	p.mask()
	p.path("#8c3b3b", oneOf(&p.seed, []string{
		"M108 113Q120 118 132 113Q120 126 108 113Z",
		"M110 116Q120 119 130 114Q121 122 110 116Z",
		"M111 115H129V118H111Z",
	}))
}

// mask draws a hero's eyes: behind a domino mask, behind a band, or bare.
func (p *portrait) mask() {
	switch p.seed.below(3) {
	case 0:
		p.path(p.palette[cape], "M87 84C98 79 111 81 120 87C129 81 142 79 153 84C154 98 148 106 138 105C130 104 124 100 120 96C116 100 110 104 102 105C92 106 86 98 87 84Z")
		p.lenses()
		return
	case 1:
		p.path(p.palette[suit], "M88 82Q120 90 152 82V102Q120 106 88 102Z")
	default:
		p.mirrored(func() { p.path(p.palette[hair], "M96 82Q104 76 114 82Q104 80 96 82Z") })
	}
	p.mirrored(func() {
		p.ellipse(p.palette[light], 106, 93, 7, 5)
		p.circle(p.palette[dark], 107, 93, 4)
	})
}

func (p *portrait) lenses() {
	p.mirrored(func() {
		p.path(p.palette[dark], "M92 84L118 95C113 108 94 106 92 84Z")
		p.path(p.palette[light], "M95 88L115 96C111 104 97 102 95 88Z")
	})
}

func (p *portrait) chest(name string) {
	p.at(120, 192, func() {
		p.draw(`<path fill="%s" stroke="%s" stroke-width="4" stroke-linejoin="round" d="%s"/>`,
			p.palette[trim], p.palette[cape], oneOf(&p.seed, shields()))
		letter, ok := initial(name)
		if !ok {
			p.path(p.palette[cape], starShape)
			return
		}
		p.draw(`<text y="11" text-anchor="middle" font-family="Georgia,serif" font-weight="700" font-size="32" fill="%s">%c</text>`,
			p.palette[cape], letter)
	})
}

// initial returns the first letter or digit of name, in upper case, if there is one.
func initial(name string) (rune, bool) {
	i := strings.IndexFunc(name, func(r rune) bool {
		return r != unicode.ReplacementChar && (unicode.IsLetter(r) || unicode.IsDigit(r))
	})
	if i < 0 {
		return 0, false
	}
	for _, r := range name[i:] {
		return unicode.ToUpper(r), true
	}
	return 0, false
}

func (p *portrait) powers(powers string) {
	for i, shape := range glyphsOf(powers, badges) {
		x, y := 33, 42+i/2*40
		if i%2 == 1 {
			x = 207
		}
		p.at(x, y, func() {
			p.draw(`<circle r="17" fill="%s" stroke="%s" stroke-width="2"/><path fill="%[2]s" fill-rule="evenodd" d="%[3]s"/>`,
				p.palette[cape], p.palette[trim], shape)
		})
	}
}

// rank returns the number of marks for a level: 0 at level 0 and one more for each
// factor of eight, up to 11.
func rank(level int32) int {
	return (bits.Len32(uint32(max(level, 0))) + 2) / 3
}

func (p *portrait) ranks(n int) {
	if n == 0 {
		return
	}
	shape := "M0-7L2-2L7-2L3 1L5 6L0 3L-5 6L-3 1L-7-2L-2-2Z"
	if p.team == Villain {
		shape = "M0-7L5 0L0 7L-5 0Z"
	}
	const step = 16
	p.draw(`<rect x="%d" y="217" width="%d" height="18" rx="9" fill="%s"/>`, 120-n*step/2-4, n*step+8, p.palette[cape])
	for i := range n {
		p.at(120-(n-1)*step/2+i*step, 226, func() { p.path(p.palette[trim], shape) })
	}
}
