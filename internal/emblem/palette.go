package emblem

import "strings"

// characterTones are the tones that differ between characters.
const characterTones = "sky glow suit shade trim cape skin hair"

// dress picks a character's colours: those of its look if it has one, otherwise bright colours for heroes, and dark
// colours and one acid colour for villains.
func (p *portrait) dress() {
	p.paint("dark light bone", "#17151f", "#fffdf5", "#cbc4b4") // bone is a darker shade of light
	if p.look != nil {
		p.paint(characterTones, strings.Fields(p.look.Colours)...)
		return
	}
	clothes, skins, hairs := heroClothes(), heroSkins(), heroHairs()
	if p.team == "villain" {
		clothes, skins, hairs = villainClothes(), villainSkins(), villainHairs()
	}
	worn := oneOf(p.drawing, clothes)
	p.paint(characterTones, append(worn[:], oneOf(p.drawing, skins), oneOf(p.drawing, hairs))...)
}

// day picks the colours of a scene for a random time of day and weather. From the horizon to the foreground, the ground
// has the tones far, near and land; windows, fire and the frame have the tone lamp.
func (s scene) day() {
	light := oneOf(s.drawing, daylights())
	s.paint(lightTones, light[:]...)
}

// night picks the colours of a scene without an atmosphere, combining the sky of one palette with the globe of another.
// The globe has the tone land, its patches have the tones far and near, and a moon or ring beside it has the tone sun.
func (s scene) night() {
	sky, globe := oneOf(s.drawing, nights()), oneOf(s.drawing, nights())
	s.paint(lightTones, sky[0], sky[1], sky[2], globe[3], globe[4], globe[5], sky[6])
}

const lightTones = "sky haze sun far near land lamp"

// flag picks the colours of a country's flag.
func (s scene) flag() {
	colours := oneOf(s.drawing, flags())
	s.paint("field division charge", colours[:]...)
}

func daylights() [][7]string {
	return [][7]string{
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

func nights() [][7]string {
	return [][7]string{
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

func flags() [][3]string {
	return [][3]string{
		{"#d62839", "#fdfcf7", "#1d4e89"}, {"#1d4e89", "#ffd23f", "#d62839"}, {"#2a9d5c", "#fdfcf7", "#e76f2c"},
		{"#f4a300", "#a4161a", "#fdfcf7"}, {"#5a189a", "#ffd60a", "#fdfcf7"}, {"#fdfcf7", "#0f8b8d", "#ec5a29"},
		{"#14213d", "#e5383b", "#fca311"}, {"#00798c", "#fdfcf7", "#edae49"}, {"#8d1b3d", "#f6bd60", "#14342b"},
	}
}

// Each row lists the colours of sky, glow, suit, shade, trim and cape.
func heroClothes() [][6]string {
	return [][6]string{
		{"#2f6fde", "#5a93f2", "#d8343f", "#a3202f", "#ffd23f", "#7d1424"},
		{"#ffb627", "#ffcf66", "#2458a8", "#153a75", "#fff1c9", "#c81f38"},
		{"#19a974", "#45c795", "#f4f1de", "#d2ccb2", "#ffd166", "#14483a"},
		{"#ff6b5a", "#ff8d7d", "#14807a", "#0c4a4d", "#ffe66d", "#0b3954"},
		{"#6c5ce7", "#8c7ff2", "#00b894", "#00856b", "#ffeaa7", "#2d2a6e"},
		{"#00a8cc", "#3cc3e0", "#f2d43d", "#cfae1d", "#fff7d1", "#0c3c60"},
		{"#f78fb3", "#fbb0ca", "#574b90", "#3b3270", "#f8efba", "#303952"},
		{"#7bc043", "#9ad36c", "#22386b", "#14213f", "#ffb545", "#a3111c"},
		{"#cfe3f7", "#eaf4ff", "#d90429", "#9b0320", "#ffd166", "#2b2d42"},
		{"#f4a261", "#f8bd8b", "#2a5a6b", "#1a3a46", "#ffe3a3", "#167a70"},
		{"#38b6ff", "#74cdff", "#ffffff", "#cfdcec", "#ff8fab", "#1d3557"},
		{"#ef476f", "#f5718f", "#073b4c", "#052630", "#ffd166", "#0f6e60"},
	}
}

func heroSkins() []string {
	return []string{
		"#ffe0c7", "#fbd3b5", "#f2c9a1", "#e8b98c", "#e0ac7a", "#d49b66", "#c98a55", "#b97a48",
		"#a86b3c", "#9b6238", "#8d5a34", "#7d4e2d", "#6f4426", "#553319", "#8fbf6f", "#7fb2e0",
	}
}

func heroHairs() []string {
	return []string{"#2b1b12", "#5a3418", "#a5612a", "#e8b84f", "#1d1d28", "#d9dde4", "#b9401f", "#7a4fd0"}
}

func villainClothes() [][6]string {
	return [][6]string{
		{"#1e1230", "#33204f", "#5b2683", "#37134f", "#b4ff39", "#120a1d"},
		{"#240d0c", "#451713", "#8a1c1c", "#570f0f", "#ffb000", "#120505"},
		{"#0c241e", "#164034", "#26694e", "#154331", "#d7ff5e", "#06140f"},
		{"#0f2033", "#1c3c5b", "#3c5470", "#25364a", "#ff4d67", "#081019"},
		{"#292425", "#423a37", "#625b57", "#3d3735", "#ff8a2a", "#131010"},
		{"#300c35", "#521a5b", "#97217a", "#5f124b", "#4df0ff", "#160418"},
		{"#171d22", "#2a3641", "#747a64", "#4c5142", "#f2545f", "#0a0d10"},
		{"#171538", "#2a2663", "#44449c", "#2a2a68", "#ff7bf3", "#0b0a1f"},
		{"#2b1608", "#4a280f", "#7d4a1c", "#4f2d0f", "#7dffb2", "#150a03"},
		{"#0b2a33", "#124453", "#1f6b7d", "#13454f", "#ffd447", "#05161b"},
	}
}

func villainSkins() []string {
	return []string{
		"#e3ddcf", "#c9a27c", "#9a6a45", "#6b4630", "#a3bd8b", "#9d92c4", "#c2503f", "#a3afb8", "#6f9aa8",
	}
}

func villainHairs() []string {
	return []string{"#0f0d14", "#2a2230", "#7d8590", "#e6e6ea", "#6d1020", "#123f3a", "#4b1d6b"}
}
