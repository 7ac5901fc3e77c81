package emblem

// scene is the drawing of a place.
type scene struct {
	*canvas
	seed  seed
	light daylight
}

// daylight is the set of colours of a scene at a time of day and in a kind of weather.
type daylight struct {
	sky, haze, sun  string
	far, near, land string // from the horizon to the foreground
	lamp            string // windows, fire, the frame
}

// SVG returns the place's picture: a skyline, a globe, an island, a moonscape, a
// country with its flag, or a building or landmark, by type.
func (p Place) SVG() []byte {
	s := scene{canvas: newCanvas(p.Name), seed: newSeed("location", p.ID, p.Name)}
	switch p.Type {
	case "CITY":
		s.light = oneOf(&s.seed, daylights())
		s.city()
	case "PLANET":
		s.light = newNight(&s.seed)
		s.planet()
	case "MOON":
		s.light = newNight(&s.seed)
		s.moon()
	case "ISLAND":
		s.light = oneOf(&s.seed, daylights())
		s.island()
	case "COUNTRY":
		s.light = oneOf(&s.seed, daylights())
		s.country()
	default:
		s.light = oneOf(&s.seed, daylights())
		s.landmark(p.Name)
	}
	return s.finish(s.light.lamp)
}

// Each row: sky, haze, sun, far, near, land, lamp.
func daylights() []daylight {
	return []daylight{
		{"#7cc8f0", "#b9e4f8", "#fff3b0", "#6fa3c4", "#2f5f80", "#2f9e77", "#ffe29a"}, // noon
		{"#ff8f6b", "#ffc09a", "#fff1c1", "#b45f73", "#5d2f4f", "#34506f", "#ffd97d"}, // dusk
		{"#14213d", "#22376a", "#f4f1de", "#2f4b7c", "#0a1024", "#1c4e63", "#ffe066"}, // night
		{"#f2b3cc", "#fde0e6", "#ffffff", "#a391c9", "#554a86", "#4a7c9c", "#ffe5b4"}, // dawn
		{"#55656d", "#7f9098", "#dfe7ea", "#414f57", "#1f2a31", "#3b5d3a", "#f9dc5c"}, // storm
		{"#2d0a4e", "#54188a", "#ff5df1", "#5f2a9e", "#14041f", "#0f8f9b", "#4df0ff"}, // neon
		{"#f2c078", "#f9dfb3", "#fffbe8", "#cf8a4a", "#7d4220", "#b5703a", "#fff0c2"}, // desert
		{"#0b3954", "#15697a", "#b8f2e6", "#1d7874", "#061c28", "#17616b", "#aef3c0"}, // northern light
		{"#8ed6c1", "#c8efe0", "#fff6d5", "#5aa590", "#1f5a58", "#e07a5f", "#fff1b8"}, // spring
	}
}

// nights returns skies without an atmosphere. Here land is the colour of the globe,
// far and near are its patches, and sun is the light beside it.
func nights() []daylight {
	return []daylight{
		{"#0b1026", "#1b2450", "#f2cc8f", "#81b29a", "#2f6f73", "#3d8fb3", "#ffe8b0"},
		{"#150b26", "#2d1850", "#9bf6ff", "#f2a65a", "#a8482f", "#e07a4f", "#ffd6a5"},
		{"#071a1f", "#0e353d", "#ffadad", "#d9ed92", "#3f8f5f", "#76c893", "#e9ffc2"},
		{"#1a0a14", "#3c1530", "#ffd166", "#f7a1c4", "#9c3f78", "#d66ba0", "#ffd9ec"},
		{"#0a0f14", "#1d2a36", "#7bdff2", "#e8e4d8", "#8d8778", "#bdb6a5", "#f5f0df"},
		{"#0c0a24", "#221c58", "#ff9f68", "#b8a5f2", "#5742a8", "#8069d6", "#e2d9ff"},
		{"#1b1108", "#3d2812", "#8ecae6", "#ffd98a", "#b07a2c", "#e0aa4a", "#fff0c9"},
		{"#0d1117", "#202b3a", "#ffe066", "#b3e3f5", "#5b9fc4", "#d8f1fb", "#ffffff"},
	}
}

// newNight combines the globe of one night with the sky of another.
func newNight(s *seed) daylight {
	night, globe := oneOf(s, nights()), oneOf(s, nights())
	night.far, night.near, night.land = globe.far, globe.near, globe.land
	return night
}

func (s *scene) stars(n int) {
	s.draw(`<path fill="%s" d="`, s.light.lamp)
	for range n {
		size := s.seed.between(1, 3)
		s.draw("M%d %dh%dv%dh-%dz", s.seed.below(240), s.seed.below(240), size, size, size)
	}
	s.WriteString(`"/>`)
}

// sun draws the sun with a halo in the upper part of the sky.
func (s *scene) sun() {
	x, y, r := s.seed.between(40, 200), s.seed.between(36, 80), s.seed.between(16, 32)
	s.circle(s.light.haze, x, y, 2*r)
	s.circle(s.light.sun, x, y, r)
}

// cloud draws a cloud with a flat bottom and its left end at x, y.
func (s *scene) cloud(x, y int) {
	s.draw(`<path fill="%s" fill-opacity=".8" d="M%d %da9 9 0 0 1 3-17a14 14 0 0 1 26-4a11 11 0 0 1 17 8a7 7 0 0 1 3 13z"/>`, s.light.haze, x, y)
}

func (s *scene) clouds() {
	for range s.seed.between(1, 3) {
		s.cloud(s.seed.between(-10, 190), s.seed.between(36, 100))
	}
}
