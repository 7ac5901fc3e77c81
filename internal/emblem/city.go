package emblem

const quay = 206 // y coordinate of the ground that a city's houses stand on

func (s scene) city() {
	s.sun()
	s.horizon()
	s.tower(s.between(56, 184))
	for x := s.between(-20, 0); x < 240; {
		width, height := s.between(22, 44), s.between(34, 92)
		s.house(x, width, height)
		x += width + s.below(4)
	}
	s.canal()
}

// horizon draws a row of buildings in the distance.
func (s scene) horizon() {
	s.WriteString(`<path fill="far" d="M0 240`)
	for x := 0; x < 240; {
		width := s.between(12, 26)
		s.draw("V%dh%d", s.between(84, 150), width)
		x += width
	}
	s.WriteString(`V240Z"/>`)
}

// tower draws a city's landmark, a tower.
func (s scene) tower(x int) {
	s.partAt(x, 142, "tower")
	s.circle("lamp", x, 138, 4)
}

// house draws a house with a roof and some lit windows.
func (s scene) house(x, width, height int) {
	top := quay - height
	half := width / 2
	s.draw(`<path fill="near" d="M%d %dV%d`, x, quay, top)
	switch s.below(6) {
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
	s.draw(`V%dZ"/><path fill="lamp" d="`, quay)
	for wy := top + 8; wy < quay-8; wy += 13 {
		for wx := x + 5; wx < x+width-6; wx += 9 {
			if s.below(5) < 2 {
				s.draw("M%d %dh4v6h-4z", wx, wy)
			}
		}
	}
	s.WriteString(`"/>`)
}

// canal draws a canal below the quay, with lamps reflected in the water.
func (s scene) canal() {
	s.rect("land", 0, quay, 240, 240-quay)
	s.rect("near", 0, quay, 240, 4)
	s.WriteString(`<path fill="none" stroke="lamp" stroke-opacity=".5" stroke-width="2" stroke-linecap="round" d="`)
	for y := quay + 10; y < 236; y += 7 {
		for range 3 {
			s.draw("M%d %dh%d", s.between(8, 210), y, s.between(6, 26))
		}
	}
	s.WriteString(`"/>`)
}
