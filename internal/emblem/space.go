package emblem

import "fmt"

// planet draws a globe among the stars.
func (s *scene) planet() {
	s.fill(s.light.sky)
	s.draw(`<path fill="%s" d="M-20 %dC60 %d 150 %d 260 %dV%dC160 %d 70 %d-20 240Z"/>`, s.light.haze,
		s.seed.between(40, 160), s.seed.between(60, 160), s.seed.below(100), s.seed.below(120),
		s.seed.between(120, 200), s.seed.between(80, 200), s.seed.between(140, 240))
	s.stars(40)
	r := s.seed.between(58, 76)
	ringed := s.seed.below(3) == 0
	tilt := s.seed.between(-24, 24)
	s.draw(`<g transform="rotate(%d 120 120)">`, tilt)
	if ringed {
		s.ring(r, "M%d 120A%d %d 0 0 1 %d 120")
	}
	s.globe(120, 120, r)
	if ringed {
		s.ring(r, "M%d 120A%d %d 0 0 0 %d 120")
	}
	s.WriteString(`</g>`)
	s.companion(r)
}

// ring draws the half of a ring behind the globe or in front of it.
func (s *scene) ring(r int, half string) {
	wide := min(r+40, 108)
	s.draw(`<path fill="none" stroke="%s" stroke-width="9" d="`+half+`"/>`, s.light.sun, 120-wide, wide, wide/4, 120+wide)
	s.draw(`<path fill="none" stroke="%s" stroke-width="2" d="`+half+`"/>`, s.light.haze, 120-wide, wide, wide/4, 120+wide)
}

// globe draws a ball with one of several kinds of surface and a night side.
func (s *scene) globe(x, y, r int) {
	s.circle(s.light.land, x, y, r)
	s.at(x, y, func() {
		oneOf(&s.seed, []func(int){s.bands, s.continents, s.craters, s.caps})(r)
		s.glaze("#000", 38, crescent(r))
	})
}

// crescent returns the right side of a disc of radius r around the origin.
func crescent(r int) string {
	return fmt.Sprintf("M0-%dA%d %d 0 0 1 0 %dA%d %d 0 0 0 0-%dZ", r, r, r, r, r*3/2, r*3/2, r)
}

// bands draws bands along the parallels, as on a gas giant.
func (s *scene) bands(r int) {
	for y := -r + s.seed.between(6, 14); y < r-8; y += s.seed.between(14, 24) {
		s.band(oneOf(&s.seed, []string{s.light.far, s.light.near}), r, y, min(y+s.seed.between(5, 12), r-1))
	}
	s.ellipse(s.light.sun, s.seed.between(-r/2, 0), s.seed.between(0, r/3), r/5, r/9)
}

// band returns the part of a disc of radius r between two heights.
func (s *scene) band(fill string, r, top, bottom int) {
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
func (s *scene) continents(r int) {
	for range 5 {
		x, y := s.seed.between(-r/2, r/2), s.seed.between(-r/2, r/2)
		w := r / s.seed.between(3, 5)
		s.draw(`<path fill="%s" d="M%d %dq%d-%d %d %dt%d %dq-%d %d-%d %dt-%d-%dz"/>`, s.light.far,
			x-w, y, w/2, w, w, -w/4, w/2, w/3, w/4, w/2, w, w/4, w/2, w/2)
	}
	s.band(s.light.lamp, r, -r, -r*17/20)
	s.band(s.light.lamp, r, r*18/20, r)
}

func (s *scene) craters(r int) {
	for range 9 {
		size := s.seed.between(r/14, r/6)
		x := s.seed.between(-r*3/5, r*3/5)
		y := s.seed.between(-r*3/5, r*3/5)
		s.circle(s.light.far, x, y, size)
		s.circle(s.light.near, x+size/4, y+size/4, size*3/4)
	}
}

// caps draws large polar ice caps with a canyon between them.
func (s *scene) caps(r int) {
	s.band(s.light.far, r, -r, -r*s.seed.between(12, 16)/20)
	s.band(s.light.far, r, r*s.seed.between(12, 16)/20, r)
	y := s.seed.between(-r/5, r/5)
	s.draw(`<path fill="none" stroke="%s" stroke-width="%d" stroke-linecap="round" stroke-linejoin="round" d="M-%d %dl%d-8l%d 12l%d-10l%d 9"/>`,
		s.light.near, r/10, r*7/10, y, r/3, r/3, r/4, r/3)
	s.circle(s.light.near, s.seed.between(-r/3, r/3), y+r/3, r/10)
}

// companion draws a small moon beside a globe of radius r.
func (s *scene) companion(r int) {
	x, y := oneOf(&s.seed, []int{40, 200}), oneOf(&s.seed, []int{44, 196})
	size := (92 - r) / 2
	s.circle(s.light.sun, x, y, size)
	s.at(x, y, func() { s.glaze("#000", 35, crescent(size)) })
}

// moon draws a landscape without an atmosphere, with a planet in the sky.
func (s *scene) moon() {
	s.fill(s.light.sky)
	s.stars(44)
	s.globe(s.seed.between(60, 180), s.seed.between(58, 84), s.seed.between(34, 52))
	ground := s.seed.between(136, 158)
	s.ridge(s.light.haze, ground-26)
	s.draw(`<path fill="%s" d="M0 %dQ120 %d 240 %dV240H0Z"/>`, s.light.lamp, ground+14, ground-18, ground+14)
	s.glaze(s.light.near, 45, fmt.Sprintf("M0 %dQ120 %d 240 %dV240H0Z", ground+14, ground-18, ground+14))
	s.pits(ground)
	oneOf(&s.seed, []func(int, int){s.dome, s.lander, s.spires, func(int, int) {}})(s.seed.between(60, 180), ground+12)
}

// ridge draws a jagged line of hills from height y down.
func (s *scene) ridge(fill string, y int) {
	s.draw(`<path fill="%s" d="M0 240V%d`, fill, y+20)
	for x := 20; x <= 240; x += s.seed.between(16, 30) {
		s.draw("L%d %d", x, y+s.seed.below(36))
	}
	s.draw(`L240 %dV240Z"/>`, y+20)
}

func (s *scene) pits(ground int) {
	for y := ground + 22; y < 232; y += 16 {
		for range 2 {
			x, width := s.seed.below(240), s.seed.between(6, 8+(y-ground)/4)
			s.draw(`<ellipse cx="%d" cy="%d" rx="%d" ry="%d" fill="%s" fill-opacity=".7"/>`, x, y, width, width/3+1, s.light.near)
			s.draw(`<ellipse cx="%d" cy="%d" rx="%d" ry="%d" fill="%s" fill-opacity=".5"/>`, x+1, y+1, width*3/4, width/4+1, s.light.sky)
		}
	}
}

func (s *scene) dome(x, y int) {
	s.at(x, y, func() {
		s.path(s.light.haze, "M-34 0A34 34 0 0 1 34 0Z")
		s.glaze(s.light.sun, 55, "M-30 0A30 30 0 0 1 30 0Z")
		s.line(s.light.haze, 2, "M0-33V0M-24-24Q-14-10-14 0M24-24Q14-10 14 0M-32-10H32")
		s.path(s.light.sky, "M-38 0H38V6H-38ZM-6 0V-10A6 6 0 0 1 6-10V0Z")
	})
}

func (s *scene) lander(x, y int) {
	s.at(x, y, func() {
		s.line(s.light.sky, 3, "M-10-14L-24 6M10-14L24 6M-30 6H-18M18 6H30")
		s.path(s.light.sun, "M-16-14H16L12-34H-12Z")
		s.path(s.light.land, "M-12-34A12 14 0 0 1 12-34Z")
		s.path(s.light.sky, "M-4-26H4V-20H-4Z")
	})
}

func (s *scene) spires(x, y int) {
	s.at(x, y, func() {
		s.path(s.light.land, "M-44 8L-30-34L-20 8ZM-12 8L2-66L16 8ZM22 8L34-24L46 8Z")
		s.path(s.light.far, "M-30-34L-20 8H-29ZM2-66L16 8H4ZM34-24L46 8H36Z")
	})
}
