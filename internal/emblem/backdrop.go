package emblem

// background paints the card and one of the team's patterns on it.
func (p *portrait) background() {
	p.fill(p.palette[sky])
	patterns := choose(p,
		[]func(){p.rays, p.rings, p.stripes, p.dots},
		[]func(){p.moonrise, p.rings, p.cracks, p.peaks})
	patterns()
}

// rim returns twelve points far outside the card, evenly spaced around (120, 100).
func rim() [12][2]int {
	return [12][2]int{
		{320, 100}, {293, 200}, {220, 273}, {120, 300}, {20, 273}, {-53, 200},
		{-80, 100}, {-53, 0}, {20, -73}, {120, -100}, {220, -73}, {293, 0},
	}
}

func (p *portrait) rays() {
	points := rim()
	first := p.seed.below(2)
	for i := first; i < len(points); i += 2 {
		a, b := points[i], points[(i+1)%len(points)]
		p.draw(`<path fill="%s" d="M120 100L%d %dL%d %dZ"/>`, p.palette[glow], a[0], a[1], b[0], b[1])
	}
}

func (p *portrait) rings() {
	x, y := p.seed.between(80, 160), p.seed.between(70, 110)
	width := p.seed.between(8, 14)
	for r := 36; r < 190; r += 3 * width {
		p.draw(`<circle cx="%d" cy="%d" r="%d" fill="none" stroke="%s" stroke-width="%d"/>`, x, y, r, p.palette[glow], width)
	}
}

func (p *portrait) stripes() {
	width := p.seed.between(16, 28)
	lean := p.seed.between(-1, 1) * 120
	for x := -130; x < 370; x += 2 * width {
		p.draw(`<path fill="%s" d="M%d 0h%dl%d 240h-%dZ"/>`, p.palette[glow], x, width, lean, width)
	}
}

// dots paints dots that grow towards the bottom, like the print of an old comic.
func (p *portrait) dots() {
	shift := p.seed.below(20)
	for row := range 8 {
		y := 14 + 26*row
		p.draw(`<path fill="none" stroke="%s" stroke-width="%d" stroke-linecap="round" stroke-dasharray="0 26" d="M%d %dH250"/>`,
			p.palette[glow], 5+2*row, shift-20-row%2*13, y)
	}
}

func (p *portrait) moonrise() {
	x, y, r := p.seed.between(60, 180), p.seed.between(60, 96), p.seed.between(64, 84)
	p.circle(p.palette[glow], x, y, r)
	p.draw(`<circle cx="%d" cy="%d" r="%d" fill="%s" fill-opacity=".12"/>`, x, y, r-14, p.palette[trim])
}

func (p *portrait) cracks() {
	for range 3 {
		x := p.seed.between(10, 90)
		a, b := p.seed.between(-30, 30), p.seed.between(-30, 30)
		p.draw(`<path fill="%s" d="M%d 0l%d 60h24l%d 70h22l-50 110l10-90h-26l%d-80h-24z"/>`, p.palette[glow], x, a, b, -a)
		p.draw(`<path fill="%s" d="M%d 0l%d 60h24l%d 70h22l-50 110l10-90h-26l%d-80h-24z"/>`, p.palette[glow], x+110, b, a, -b)
	}
}

func (p *portrait) peaks() {
	p.draw(`<path fill="%s" d="M0 240V130`, p.palette[glow])
	for x := 20; x <= 240; x += 20 {
		p.draw("L%d %d", x, p.seed.between(40, 90)+x/20%2*60)
	}
	p.WriteString(`V240Z"/>`)
}
