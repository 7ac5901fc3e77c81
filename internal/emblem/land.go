package emblem

const shore = 166 // the height of the sea's horizon

// island draws an island in the sea, with plants or buildings on it.
func (s *scene) island() {
	s.fill(s.light.sky)
	s.sun()
	s.clouds()
	s.rect(s.light.far, 0, shore, 240, 240-shore)
	x := s.seed.between(104, 136)
	s.at(x, shore, func() {
		oneOf(&s.seed, []func(){s.volcano, s.palms, s.cliffs, s.beacon, s.statues, s.temple, s.village})()
	})
	s.waves()
}

func (s *scene) volcano() {
	s.glaze(s.light.haze, 80, "M-6-86C-30-104-8-118-20-134C6-128 24-120 14-106C30-104 22-90 8-86Z")
	s.path(s.light.near, "M-92 14C-50 4-34-60-18-90L-6-84L6-86L18-92C34-60 56 4 92 14Z")
	s.path(s.light.lamp, "M-18-90L-6-84L6-86L18-92L22-82L12-62L4-76L-4-48L-10-74L-22-78Z")
	s.path(s.light.land, "M-100 20C-70-8-40 4-10 0C30-6 70-6 100 20Z")
}

func (s *scene) palms() {
	s.path(s.light.sun, "M-96 18C-70-10 60-14 96 18Z")
	s.path(s.light.land, "M-70 6C-50-26 20-34 60 4Z")
	for range s.seed.between(2, 3) {
		x, y := s.seed.between(-46, 34), s.seed.between(-12, -4)
		lean := s.seed.between(-16, 16)
		s.at(x, y, func() {
			s.draw(`<path fill="none" stroke="%s" stroke-width="5" stroke-linecap="round" d="M0 0Q%d-30 %d-62"/>`, s.light.near, -lean/2, lean)
			s.at(lean, -62, func() {
				s.path(s.light.near, "M0 0C-8-20-24-22-34-8C-22-14-10-10 0 0C-16-6-30 4-30 18C-22 6-12 2 0 0C12 2 22 6 30 18C30 4 16-6 0 0C10-10 22-14 34-8C24-22 8-20 0 0Z")
			})
		})
	}
}

func (s *scene) cliffs() {
	s.path(s.light.near, "M-96 18L-84-28L-64-34L-54-76L-20-88L6-70L30-74L44-34L72-30L96 18Z")
	s.path(s.light.land, "M-84-28L-64-34L-54-76L-20-88L6-70L30-74L44-34L72-30L60-22L36-26L22-60L2-56L-20-72L-42-64L-52-24L-72-20Z")
	s.line(s.light.sun, 5, "M-8-54V6")
	s.line(s.light.haze, 3, "M-18 12H4")
}

func (s *scene) beacon() {
	s.glaze(s.light.lamp, 45, "M2-104L-160-136V-76ZM2-104L170-128V-84Z")
	s.path(s.light.near, "M-90 18C-70-10-40-16-20-22H30C50-18 76-4 90 18Z")
	s.path(s.light.haze, "M-14-18L-8-94H12L18-18Z")
	s.path(s.light.far, "M-12-42H16L15-56H-11ZM-10-68H14L13-80H-9Z")
	s.path(s.light.near, "M-14-94H18V-98H12V-112L2-122L-8-112V-98H-14Z")
	s.path(s.light.lamp, "M-5-98H9V-110H-5Z")
}

func (s *scene) statues() {
	s.path(s.light.land, "M-100 18C-60-30 50-34 100 18Z")
	for i := range 3 {
		s.at(i*46-50, -4-i%2*6, func() {
			s.path(s.light.near, "M-16 6V-52C-16-72 16-72 16-52V6Z")
			s.path(s.light.far, "M-12-46H12V-41H4V-22H-4V-41H-12ZM-9-14H9V-10H-9Z")
		})
	}
}

func (s *scene) temple() {
	s.path(s.light.near, "M-98 18L-76-16L-40-30H44L78-14L98 18Z")
	s.path(s.light.land, "M-76-16L-40-30H44L78-14L50-18L20-12L-30-20Z")
	s.path(s.light.haze, "M-46-30V-36H46V-30ZM-40-36V-74H-32V-36ZM-22-36V-74H-14V-36ZM-4-36V-74H4V-36ZM14-36V-74H22V-36ZM32-36V-74H40V-36ZM-46-74V-80L0-104L46-80V-74Z")
	s.path(s.light.lamp, "M0-95A6 6 0 1 1 0-83A6 6 0 1 1 0-95Z")
}

func (s *scene) village() {
	s.path(s.light.land, "M-102 18C-70-22-30-26 0-40C36-30 70-18 102 18Z")
	for i := range 4 {
		s.at(i*42-64, -10-(i+1)/2%2*16, func() {
			s.path(s.light.near, "M-14 6V-16H14V6Z")
			s.path(s.light.far, "M-18-16L0-40L18-16Z")
			s.path(s.light.lamp, "M-4 6V-8H4V6Z")
		})
	}
}

func (s *scene) waves() {
	for y := shore + 16; y < 240; y += 18 {
		s.draw(`<path fill="none" stroke="%s" stroke-opacity=".7" stroke-width="3" stroke-linecap="round" d="M%d %dq10-9 20 0t20 0m%d 0q10-9 20 0t20 0t20 0m%d 0q10-9 20 0t20 0"/>`,
			s.light.haze, s.seed.between(-20, 20), y, s.seed.between(14, 34), s.seed.between(14, 34))
	}
}

// country draws open land below the country's flag.
func (s *scene) country() {
	s.fill(s.light.sky)
	s.sun()
	s.clouds()
	s.ridge(s.light.far, s.seed.between(110, 130))
	s.hills()
	s.flag(s.seed.between(40, 96))
}

func (s *scene) hills() {
	a, b := s.seed.between(140, 170), s.seed.between(140, 170)
	s.draw(`<path fill="%s" d="M0 %dC60 %d 120 %d 240 %dV240H0Z"/>`, s.light.near, a, a-30, b+30, b)
	c := s.seed.between(176, 200)
	s.draw(`<path fill="%s" d="M0 %dC80 %d 160 %d 240 %dV240H0Z"/>`, s.light.land, c, c+24, c-34, c)
	s.draw(`<path fill="none" stroke="%s" stroke-opacity=".45" stroke-width="3" d="`, s.light.haze)
	for x := -20; x < 260; x += s.seed.between(18, 30) {
		s.draw("M%d 240Q%d 220 %d %d", x, (x+120)/2+10, (x+120)/2, c+8)
	}
	s.WriteString(`"/>`)
}

// flag draws a flag on a pole at x.
func (s *scene) flag(x int) {
	s.rect("#4a3b2f", x-3, 40, 6, 170)
	s.circle(s.light.lamp, x, 38, 6)
	colours := oneOf(&s.seed, flagColours())
	s.at(x+3, 48, func() {
		s.rect(colours[0], 0, 0, 108, 72)
		s.path(colours[1], oneOf(&s.seed, flagShapes()))
		s.path(colours[2], oneOf(&s.seed, flagCharges()))
		s.glaze("#000", 12, "M36 0H54V72H36ZM90 0H108V72H90Z")
	})
}

func flagColours() [][3]string {
	return [][3]string{
		{"#d62839", "#fdfcf7", "#1d4e89"}, {"#1d4e89", "#ffd23f", "#d62839"}, {"#2a9d5c", "#fdfcf7", "#e76f2c"},
		{"#f4a300", "#a4161a", "#fdfcf7"}, {"#5a189a", "#ffd60a", "#fdfcf7"}, {"#fdfcf7", "#0f8b8d", "#ec5a29"},
		{"#14213d", "#e5383b", "#fca311"}, {"#00798c", "#fdfcf7", "#edae49"}, {"#8d1b3d", "#f6bd60", "#14342b"},
	}
}

// flagShapes returns shapes that divide a flag of 108 by 72.
func flagShapes() []string {
	return []string{
		"M0 24H108V48H0Z", "M36 0H72V72H36Z", "M0 36H108V72H0Z", "M0 0L54 36L0 72Z",
		"M28 0H44V28H108V44H44V72H28V44H0V28H28Z", "M0 72L108 0V72Z",
		"M0 0H16L108 60V72H92L0 12ZM108 0V12L16 72H0V60L92 0Z", "M0 0H36V72H0Z",
	}
}

// flagCharges returns the signs on a flag.
func flagCharges() []string {
	return []string{
		"M54 16A20 20 0 1 1 54 56A20 20 0 1 1 54 16Z",
		"M54 14L59 29H75L62 39L67 54L54 45L41 54L46 39L33 29H49Z",
		"M62 16A20 20 0 1 0 62 56A16 16 0 1 1 62 16Z",
		"M54 12L76 36L54 60L32 36Z",
		"M49 16H59V31H74V41H59V56H49V41H34V31H49Z",
		"M20 8L24 18H34L26 24L29 34L20 28L11 34L14 24L6 18H16Z",
		"M36 50V22L45 34L54 18L63 34L72 22V50Z",
	}
}
