package emblem

const quay = 206 // the height at which a city's houses stand

func (s *scene) city() {
	s.fill(s.light.sky)
	s.sun()
	s.clouds()
	s.horizon()
	s.tower(s.seed.between(56, 184))
	s.houses()
	s.canal()
}

// horizon draws the row of blocks in the distance.
func (s *scene) horizon() {
	s.draw(`<path fill="%s" d="M0 240`, s.light.far)
	for x := 0; x < 240; {
		width := s.seed.between(12, 26)
		s.draw("V%dh%d", s.seed.between(84, 150), width)
		x += width
	}
	s.WriteString(`V240Z"/>`)
}

// tower draws the landmark of a city.
func (s *scene) tower(x int) {
	shape := oneOf(&s.seed, []string{
		"M-16 170V-70H-8V-90H-2V-120H2V-90H8V-70H16V170Z",
		"M-26 170L-6-40V-80L0-124L6-80V-40L26 170H12Q0 60-12 170Z",
		"M-20 170V-30A20 24 0 0 1-4-56V-74L0-96L4-74V-56A20 24 0 0 1 20-30V170Z",
		"M-10 170V-20L-26-30V-46L-8-56V-66L0-110L8-66V-56L26-46V-30L10-20V170Z",
		"M-28 170V0H-20V-30H-12V-58H-4V-90H4V-58H12V-30H20V0H28V170Z",
		"M-18 170L-14-100L18-70V170Z",
		"M-22 170V-20H-28L0-60L28-20H22V12H30L22 24V170Z",
	})
	s.at(x, 142, func() { s.path(s.light.near, shape) })
	s.circle(s.light.lamp, x, 138, 4)
}

func (s *scene) houses() {
	for x := s.seed.between(-20, 0); x < 240; {
		width := s.seed.between(22, 44)
		height := s.seed.between(34, 92)
		s.house(x, width, height)
		x += width + s.seed.below(4)
	}
}

// house draws a house with a roof and some lit windows.
func (s *scene) house(x, width, height int) {
	top := quay - height
	half := width / 2
	s.draw(`<path fill="%s" d="M%d %dV%d`, s.light.near, x, quay, top)
	switch s.seed.below(6) {
	case 0:
		s.draw("l%d-%dl%d %d", half, half, width-half, half)
	case 1:
		s.draw("a%d %d 0 0 1 %d 0", half, half, width)
	case 2:
		s.draw("h4v-8h%dv8h4", width-8)
	case 3:
		s.draw("l%d-14v14", width)
	case 4:
		s.draw("h%dv-18h3v18h%d", half-2, width-half-1)
	default:
		s.draw("h%d", width)
	}
	s.draw(`V%dZ"/><path fill="%s" d="`, quay, s.light.lamp)
	for wy := top + 8; wy < quay-8; wy += 13 {
		for wx := x + 5; wx < x+width-6; wx += 9 {
			if s.seed.below(5) < 2 {
				s.draw("M%d %dh4v6h-4z", wx, wy)
			}
		}
	}
	s.WriteString(`"/>`)
}

// canal draws the reflections of the lamps below the quay.
func (s *scene) canal() {
	s.rect(s.light.land, 0, quay, 240, 240-quay)
	s.rect(s.light.near, 0, quay, 240, 4)
	s.draw(`<path fill="none" stroke="%s" stroke-opacity=".5" stroke-width="2" stroke-linecap="round" d="`, s.light.lamp)
	for y := quay + 10; y < 236; y += 7 {
		for range 3 {
			s.draw("M%d %dh%d", s.seed.between(8, 210), y, s.seed.between(6, 26))
		}
	}
	s.WriteString(`"/>`)
}
