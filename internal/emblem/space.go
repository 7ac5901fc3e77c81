package emblem

// planet draws a globe among the stars.
func (s scene) planet() {
	s.draw(`<path fill="haze" d="M-20 %dC60 %d 150 %d 260 %dV%dC160 %d 70 %d-20 240Z"/>`,
		s.between(40, 160), s.between(60, 160), s.below(100), s.below(120), s.between(120, 200), s.between(80, 200), s.between(140, 240))
	s.stars(40)
	r := s.between(58, 76)
	ringed := s.below(3) == 0
	s.draw(`<g transform="rotate(%d 120 120)">`, s.between(-24, 24))
	if ringed {
		s.ring(r, 1)
	}
	s.globe(120, 120, r)
	if ringed {
		s.ring(r, 0)
	}
	s.WriteString(`</g>`)
	s.companion(r)
}

// moon draws a landscape without an atmosphere, with a planet in the sky.
func (s scene) moon() {
	s.stars(44)
	s.globe(s.between(60, 180), s.between(58, 84), s.between(34, 52))
	ground := s.between(136, 158)
	s.ridge("haze", ground-26)
	for _, fill := range []string{`"lamp"`, `"near" fill-opacity=".45"`} {
		s.draw(`<path fill=%s d="M0 %dQ120 %d 240 %dV240H0Z"/>`, fill, ground+14, ground-18, ground+14)
	}
	s.pits(ground)
	if base, x := s.choose("base"), s.between(60, 180); base != "" {
		s.at(x, ground+12, func() { s.WriteString(base) })
	}
}

func (s scene) stars(n int) {
	s.WriteString(`<path fill="lamp" d="`)
	for range n {
		size := s.between(1, 3)
		s.draw("M%d %dh%dv%dh-%dz", s.below(240), s.below(240), size, size, size)
	}
	s.WriteString(`"/>`)
}

// ring draws half of the ring around a globe: the half behind the globe if sweep is 1, or the half in front if sweep is
// 0.
func (s scene) ring(r, sweep int) {
	wide := min(r+40, 108)
	for _, stroke := range []string{`"sun" stroke-width="9"`, `"haze" stroke-width="2"`} {
		s.draw(`<path fill="none" stroke=%s d="M%d 120A%d %d 0 0 %d %d 120"/>`, stroke, 120-wide, wide, wide/4, sweep, 120+wide)
	}
}

// globe draws a sphere with a random kind of surface and a night side.
func (s scene) globe(x, y, r int) {
	s.circle("land", x, y, r)
	s.at(x, y, func() {
		oneOf(s.drawing, []func(int){s.bands, s.continents, s.craters, s.caps})(r)
		s.shadow(r, 38)
	})
}

// shadow darkens the right side of a disc around the origin; percent is the shadow's opacity.
func (s scene) shadow(r, percent int) {
	s.draw(`<path fill="#000" fill-opacity=".%02d" d="M0-%dA%d %d 0 0 1 0 %dA%d %d 0 0 0 0-%dZ"/>`, percent, r, r, r, r, r*3/2, r*3/2, r)
}

// bands draws bands along the parallels, as on a gas giant.
func (s scene) bands(r int) {
	for y := -r + s.between(6, 14); y < r-8; y += s.between(14, 24) {
		s.band(oneOf(s.drawing, []string{"far", "near"}), r, y, min(y+s.between(5, 12), r-1))
	}
	s.draw(`<ellipse cx="%d" cy="%d" rx="%d" ry="%d" fill="sun"/>`, s.between(-r/2, 0), s.between(0, r/3), r/5, r/9)
}

// band draws the part of a disc of radius r between the heights top and bottom.
func (s scene) band(fill string, r, top, bottom int) {
	a, b := chord(r, top), chord(r, bottom)
	s.draw(`<path fill="%s" d="M%d %dH%dA%d %d 0 0 1 %d %dH%dA%d %d 0 0 1 %d %dZ"/>`,
		fill, -a, top, a, r, r, b, bottom, -b, r, r, -a, top)
}

// chord returns half the width of a disc of radius r at height y, rounded down.
func chord(r, y int) int {
	n := 0
	for (n+1)*(n+1) <= r*r-y*y {
		n++
	}
	return n
}

// continents draws blobs that stay inside the disc.
func (s scene) continents(r int) {
	for range 5 {
		x, y := s.between(-r/2, r/2), s.between(-r/2, r/2)
		w := r / s.between(3, 5)
		s.draw(`<path fill="far" d="M%d %dq%d-%d %d %dt%d %dq-%d %d-%d %dt-%d-%dz"/>`,
			x-w, y, w/2, w, w, -w/4, w/2, w/3, w/4, w/2, w, w/4, w/2, w/2)
	}
	s.band("lamp", r, -r, -r*17/20)
	s.band("lamp", r, r*18/20, r)
}

func (s scene) craters(r int) {
	for range 9 {
		size := s.between(r/14, r/6)
		x, y := s.between(-r*3/5, r*3/5), s.between(-r*3/5, r*3/5)
		s.circle("far", x, y, size)
		s.circle("near", x+size/4, y+size/4, size*3/4)
	}
}

// caps draws large polar ice caps with a canyon between them.
func (s scene) caps(r int) {
	s.band("far", r, -r, -r*s.between(12, 16)/20)
	s.band("far", r, r*s.between(12, 16)/20, r)
	y := s.between(-r/5, r/5)
	s.draw(`<path fill="none" stroke="near" stroke-width="%d" stroke-linecap="round" stroke-linejoin="round" d="M-%d %dl%d-8l%d 12l%d-10l%d 9"/>`,
		r/10, r*7/10, y, r/3, r/3, r/4, r/3)
	s.circle("near", s.between(-r/3, r/3), y+r/3, r/10)
}

// companion draws a small moon beside a globe of radius r.
func (s scene) companion(r int) {
	x, y := oneOf(s.drawing, []int{40, 200}), oneOf(s.drawing, []int{44, 196})
	size := (92 - r) / 2
	s.circle("sun", x, y, size)
	s.at(x, y, func() { s.shadow(size, 35) })
}

func (s scene) pits(ground int) {
	for y := ground + 22; y < 232; y += 16 {
		for range 2 {
			x, width := s.below(240), s.between(6, 8+(y-ground)/4)
			s.draw(`<ellipse cx="%d" cy="%d" rx="%d" ry="%d" fill="near" fill-opacity=".7"/>`, x, y, width, width/3+1)
			s.draw(`<ellipse cx="%d" cy="%d" rx="%d" ry="%d" fill="sky" fill-opacity=".5"/>`, x+1, y+1, width*3/4, width/4+1)
		}
	}
}
