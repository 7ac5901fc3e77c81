package emblem

import (
	"slices"
	"strings"
)

// scene is a drawing of a place.
type scene struct{ *drawing }

// SVG returns the place's picture. Depending on the type, the picture shows a skyline, a globe, an island, a
// moonscape, a country with its flag, or a landmark.
func (p Place) SVG() []byte {
	s := scene{newDrawing("location", p.ID, p.Name)}
	switch p.Type {
	case "PLANET", "MOON":
		s.night()
	default:
		s.day()
	}
	s.rect("sky", 0, 0, 240, 240)
	switch p.Type {
	case "CITY":
		s.city()
	case "PLANET":
		s.planet()
	case "MOON":
		s.moon()
	case "ISLAND":
		s.island()
	case "COUNTRY":
		s.country()
	default:
		s.landmark(p.Name)
	}
	return s.finish("lamp")
}

// sun draws the sun with a halo in the upper part of the sky, and some clouds.
func (s scene) sun() {
	x, y, r := s.between(40, 200), s.between(36, 80), s.between(16, 32)
	s.circle("haze", x, y, 2*r)
	s.circle("sun", x, y, r)
	for range s.between(1, 3) {
		s.cloud(s.between(-10, 190), s.between(36, 100))
	}
}

// cloud draws a flat-bottomed cloud with its left end at x, y.
func (s scene) cloud(x, y int) {
	s.draw(`<path fill="haze" fill-opacity=".8" d="M%d %da9 9 0 0 1 3-17a14 14 0 0 1 26-4a11 11 0 0 1 17 8a7 7 0 0 1 3 13z"/>`, x, y)
}

// ridge draws a jagged line of hills, none of which rises above y.
func (s scene) ridge(fill string, y int) {
	s.draw(`<path fill="%s" d="M0 240V%d`, fill, y+20)
	for x := 20; x <= 240; x += s.between(16, 30) {
		s.draw("L%d %d", x, y+s.below(36))
	}
	s.draw(`L240 %dV240Z"/>`, y+20)
}

// island draws an island with plants or buildings.
func (s scene) island() {
	const shore = 166
	s.sun()
	s.rect("far", 0, shore, 240, 240-shore)
	s.at(s.between(104, 136), shore, func() {
		view := oneOf(s.drawing, []string{"volcano", "palm-beach", "cliffs", "beacon", "statues", "temple", "village"})
		s.part(view)
		if view == "palm-beach" {
			s.palms()
		}
	})
	for y := shore + 16; y < 240; y += 18 {
		s.draw(`<path fill="none" stroke="haze" stroke-opacity=".7" stroke-width="3" stroke-linecap="round" `+
			`d="M%d %dq10-9 20 0t20 0m%d 0q10-9 20 0t20 0t20 0m%d 0q10-9 20 0t20 0"/>`,
			s.between(-20, 20), y, s.between(14, 34), s.between(14, 34))
	}
}

func (s scene) palms() {
	for range s.between(2, 3) {
		x, y := s.between(-46, 34), s.between(-12, -4)
		lean := s.between(-16, 16)
		s.at(x, y, func() {
			s.draw(`<path fill="none" stroke="near" stroke-width="5" stroke-linecap="round" d="M0 0Q%d-30 %d-62"/>`, -lean/2, lean)
			s.partAt(lean, -62, "palm-leaves")
		})
	}
}

// country draws open land under the country's flag.
func (s scene) country() {
	s.sun()
	s.ridge("far", s.between(110, 130))
	s.hills()
	x := s.between(40, 96)
	s.rect("#4a3b2f", x-3, 40, 6, 170)
	s.circle("lamp", x, 38, 6)
	s.flag()
	s.at(x+3, 48, func() {
		s.rect("field", 0, 0, 108, 72)
		s.part("flag-division")
		s.part("flag-charge")
		s.part("flag-folds")
	})
}

func (s scene) hills() {
	a, b := s.between(140, 170), s.between(140, 170)
	s.draw(`<path fill="near" d="M0 %dC60 %d 120 %d 240 %dV240H0Z"/>`, a, a-30, b+30, b)
	c := s.between(176, 200)
	s.draw(`<path fill="land" d="M0 %dC80 %d 160 %d 240 %dV240H0Z"/>`, c, c+24, c-34, c)
	s.WriteString(`<path fill="none" stroke="haze" stroke-opacity=".45" stroke-width="3" d="`)
	for x := -20; x < 260; x += s.between(18, 30) {
		s.draw("M%d 240Q%d 220 %d %d", x, (x+120)/2+10, (x+120)/2, c+8)
	}
	s.WriteString(`"/>`)
}

// landmark draws a building or a natural feature; a word in the place's name may select which one.
func (s scene) landmark(name string) {
	s.sun()
	s.ridge("far", s.between(120, 140))
	views := []struct {
		words string
		draw  func()
	}{
		{"castle fortress camelot asgard palace citadel temple", s.castle},
		{"mine mines cave cavern quarry tomb vault deep", s.cave},
		{"stonehenge stone stones ring circle causeway", s.stones},
		{"mount mountain peak olympus summit everest", s.mountain},
		{"forest wood woods grove jungle park garden", s.forest},
		{"street hut house inn manor lane tavern school", s.cottage},
		{"lighthouse tower spire", s.lighthouse},
		{"lake sea river bay байкал pond lagoon", s.lake},
	}
	chosen := s.below(len(views))
	for i, view := range views {
		if sharesWord(view.words, name) {
			chosen = i
			break
		}
	}
	views[chosen].draw()
	s.foreground()
}

// sharesWord reports whether words contains any word of the name, ignoring case.
func sharesWord(words, name string) bool {
	known := strings.Fields(words)
	return slices.ContainsFunc(strings.Fields(strings.ToLower(name)), func(word string) bool { return slices.Contains(known, word) })
}

func (s scene) castle() {
	s.at(s.between(110, 130), 190, func() {
		s.part("castle")
		s.part("castle-flag")
	})
}

func (s scene) cave() {
	s.part("cave")
	for range 6 {
		s.partAt(s.between(90, 154), s.between(176, 204), "gem")
	}
}

func (s scene) stones() {
	s.part("stones")
	for x := 24; x < 200; x += s.between(52, 66) {
		height := s.between(64, 92)
		s.draw(`<path fill="near" d="M%d 200l3-%dh16l2 %dzM%d 200l2-%dh16l3 %dzM%d %dl2-14h58l2 14z"/>`,
			x, height, height, x+34, height, height, x-4, 200-height)
	}
}

func (s scene) mountain() {
	x := s.between(96, 144)
	s.draw(`<path fill="near" d="M-10 220L%d 116L%d 140L%d 44L%d 128L%d 108L260 220Z"/>`, x-70, x-44, x, x+44, x+62)
	s.partAt(x, 44, "summit")
	s.cloud(s.between(0, 60), s.between(130, 150))
	s.cloud(s.between(120, 180), s.between(120, 150))
}

func (s scene) forest() {
	for _, row := range []struct {
		fill      string
		foot, gap int
	}{{"far", 170, 30}, {"land", 194, 34}, {"near", 216, 44}} {
		for x := s.below(16); x < 250; x += row.gap {
			height := s.between(70, 110)
			s.at(x, row.foot, func() {
				s.draw(`<path fill="%s" d="M-4 10V-10H-22L-9-%d H-16L0-%dL16-%dH9L22-10H4V10Z"/>`, row.fill, height/2, height, height/2)
			})
		}
	}
}

func (s scene) cottage() {
	s.at(s.between(104, 136), 200, func() {
		s.part("cottage")
		s.part("cottage-windows")
		s.part("cottage-attic")
	})
	x := oneOf(s.drawing, []int{30, 210})
	s.draw(`<path fill="none" stroke="#2b2b33" stroke-width="5" stroke-linecap="round" d="M%d 214V140"/>`, x)
	s.circle("lamp", x, 134, 10)
}

func (s scene) lighthouse() {
	s.rect("far", 0, 178, 240, 62)
	s.partAt(s.between(90, 150), 186, "beacon")
}

func (s scene) lake() {
	s.ridge("near", 124)
	s.part("lake")
	for y := 186; y < 214; y += 9 {
		s.draw(`<path fill="none" stroke="haze" stroke-width="3" stroke-linecap="round" d="M%d %dh%dm20 0h%d"/>`,
			s.between(10, 90), y, s.between(20, 60), s.between(10, 50))
	}
	s.partAt(s.between(70, 170), 190, "boat")
}

// foreground draws the strip of ground that all landmarks stand on.
func (s scene) foreground() {
	a, b := s.between(204, 216), s.between(204, 216)
	s.draw(`<path fill="land" d="M0 %dQ120 %d 240 %dV240H0Z"/>`, a, 200, b)
	s.WriteString(`<path fill="none" stroke="near" stroke-opacity=".5" stroke-width="2" stroke-linecap="round" d="`)
	for range 12 {
		s.draw("M%d %dl3-7l3 7", s.below(236), s.between(218, 236))
	}
	s.WriteString(`"/>`)
}
