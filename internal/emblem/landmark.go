package emblem

import (
	"fmt"
	"strings"
)

// landmark is a building or a natural feature; a word in the place's name may select it.
func (s *scene) landmark(name string) {
	s.fill(s.light.sky)
	s.sun()
	s.clouds()
	s.ridge(s.light.far, s.seed.between(120, 140))
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
	chosen := s.seed.below(len(views))
	for i, view := range views {
		if sharesWord(view.words, name) {
			chosen = i
			break
		}
	}
	views[chosen].draw()
	s.foreground()
}

// sharesWord reports whether words contains a word of the name, ignoring case.
func sharesWord(words, name string) bool {
	known := strings.Fields(words)
	for word := range strings.FieldsSeq(strings.ToLower(name)) {
		for _, k := range known {
			if word == k {
				return true
			}
		}
	}
	return false
}

func (s *scene) castle() {
	s.at(s.seed.between(110, 130), 190, func() {
		s.path(s.light.far, "M-30-80H30V0H-30Z")
		s.path(s.light.near, "M-84 20V-60H-88V-76H-78V-70H-70V-76H-60V-70H-52V-76H-44V-60H-48V-40H-24V-96H-30V-114H-18V-108H-8V-114H8V-108H18V-114H30V-96H24V-40H48V-60H44V-76H52V-70H60V-76H70V-70H78V-76H88V-60H84V20Z")
		s.path(s.light.lamp, "M-12 20V-14A12 14 0 0 1 12-14V20ZM-68-48H-62V-34H-68ZM62-48H68V-34H62ZM-4-88H4V-70H-4Z")
		s.line(s.light.near, 2, "M0-114V-142")
		s.path(s.light.sun, oneOf(&s.seed, []string{"M1-142L30-134L1-124Z", "M1-142H28L22-134L28-126H1Z", "M1-142Q12-150 26-140V-126Q12-134 1-126Z"}))
	})
}

func (s *scene) cave() {
	s.path(s.light.near, "M0 240V150L30 96L58 104L92 58L130 66L168 50L200 98L240 120V240Z")
	s.glaze(s.light.far, 45, "M0 150L30 96L58 104L92 58L84 110L52 150L30 140ZM130 66L168 50L200 98L178 120L150 90Z")
	s.path("#0b0a10", "M66 230C62 150 92 116 122 114C154 116 182 150 176 230Z")
	s.glaze(s.light.lamp, 35, "M84 230C82 176 104 150 122 148C142 150 160 176 158 230Z")
	s.path("#0b0a10", "M76 146L86 176L96 128ZM112 114L120 146L128 114ZM148 124L156 168L164 140Z")
	s.gems()
}

func (s *scene) gems() {
	for range 6 {
		s.at(s.seed.between(90, 154), s.seed.between(176, 204), func() { s.path(s.light.lamp, "M0-8L4 0L0 8L-4 0Z") })
	}
}

func (s *scene) stones() {
	s.path(s.light.land, "M0 176Q120 150 240 176V240H0Z")
	s.path(s.light.far, "M64 176V120H78V176ZM162 176V120H176V176ZM60 112H120V122H60ZM112 176V120H124V176Z")
	for x := 24; x < 200; x += s.seed.between(52, 66) {
		height := s.seed.between(64, 92)
		s.draw(`<path fill="%s" d="M%d 200l3-%dh16l2 %dzM%d 200l2-%dh16l3 %dzM%d %dl2-14h58l2 14z"/>`, s.light.near,
			x, height, height, x+34, height, height, x-4, 200-height)
	}
}

func (s *scene) mountain() {
	x := s.seed.between(96, 144)
	s.draw(`<path fill="%s" d="M-10 220L%d 116L%d 140L%d 44L%d 128L%d 108L260 220Z"/>`, s.light.near, x-70, x-44, x, x+44, x+62)
	s.at(x, 44, func() {
		s.path(s.light.haze, "M0 0L24 46L14 42L8 56L-2 40L-12 54L-16 40L-22 48Z")
		s.glaze("#000", 22, "M0 0L44 84L62 64L150 176H20L4 110L14 70Z")
	})
	s.cloud(s.seed.between(0, 60), s.seed.between(130, 150))
	s.cloud(s.seed.between(120, 180), s.seed.between(120, 150))
}

func (s *scene) forest() {
	for _, row := range []struct {
		fill      string
		foot, gap int
	}{{s.light.far, 170, 30}, {s.light.land, 194, 34}, {s.light.near, 216, 44}} {
		for x := s.seed.below(16); x < 250; x += row.gap {
			height := s.seed.between(70, 110)
			s.at(x, row.foot, func() {
				s.draw(`<path fill="%s" d="M-4 10V-10H-22L-9-%d H-16L0-%dL16-%dH9L22-10H4V10Z"/>`, row.fill, height/2, height, height/2)
			})
		}
	}
}

func (s *scene) cottage() {
	s.at(s.seed.between(104, 136), 200, func() {
		s.path(s.light.near, "M-56 10V-56H56V10Z")
		s.path(s.light.land, "M-70-52L-40-112H40L70-52Z")
		s.path(s.light.near, "M22-112H38V-138H22Z")
		s.glaze(s.light.haze, 85, "M30-142C14-152 34-160 24-174C44-168 50-154 38-142Z")
		s.path(s.light.lamp, oneOf(&s.seed, []string{
			"M-44-40H-22V-16H-44ZM22-40H44V-16H22ZM-11 10V-34H11V10Z",
			"M-40-28A12 12 0 1 1-16-28A12 12 0 1 1-40-28ZM6 10V-30A14 14 0 0 1 34-30V10Z",
			"M-44-44H-30V-20H-44ZM-24-44H-10V-20H-24ZM12 10V-40H38V10Z",
		}))
		s.path(s.light.lamp, "M-10-80H10V-64H-10Z")
	})
	x := oneOf(&s.seed, []int{30, 210})
	s.line("#2b2b33", 5, fmt.Sprintf("M%d 214V140", x))
	s.circle(s.light.lamp, x, 134, 10)
}

func (s *scene) lighthouse() {
	s.rect(s.light.far, 0, 178, 240, 62)
	s.at(s.seed.between(90, 150), 186, s.beacon)
}

func (s *scene) lake() {
	s.ridge(s.light.near, 124)
	s.path(s.light.haze, "M0 170Q120 150 240 170V240H0Z")
	s.glaze(s.light.sky, 70, "M0 178Q120 160 240 178V240H0Z")
	for y := 186; y < 214; y += 9 {
		s.line(s.light.haze, 3, fmt.Sprintf("M%d %dh%dm20 0h%d", s.seed.between(10, 90), y, s.seed.between(20, 60), s.seed.between(10, 50)))
	}
	s.at(s.seed.between(70, 170), 190, func() {
		s.path(s.light.near, "M-26 0H26L18 12H-18ZM-1-4V-50H1V-4Z")
		s.path(s.light.lamp, "M4-6V-48L26-6ZM-4-6V-38L-20-6Z")
	})
}

// foreground draws the strip of ground that all landmarks stand on.
func (s *scene) foreground() {
	a, b := s.seed.between(204, 216), s.seed.between(204, 216)
	s.draw(`<path fill="%s" d="M0 %dQ120 %d 240 %dV240H0Z"/>`, s.light.land, a, 200, b)
	s.draw(`<path fill="none" stroke="%s" stroke-opacity=".5" stroke-width="2" stroke-linecap="round" d="`, s.light.near)
	for range 12 {
		s.draw("M%d %dl3-7l3 7", s.seed.below(236), s.seed.between(218, 236))
	}
	s.WriteString(`"/>`)
}
