package emblem

// tone names a colour of a character's palette, so that one drawing serves every
// palette.
type tone int

const (
	sky  tone = iota // background
	glow             // the background's pattern
	suit
	shade // the suit in shadow
	trim  // shield, badges, frame: stands out from suit and cape
	cape
	skin
	hair
	dark
	light
	bone // light in shadow
	toneCount
)

type palette [toneCount]string

// newPalette picks a character's colours: bright ones for heroes, dark ones with one
// acid colour for villains.
func newPalette(team Team, s *seed) palette {
	clothes, skins, hairs := heroClothes(), heroSkins(), heroHairs()
	if team == Villain {
		clothes, skins, hairs = villainClothes(), villainSkins(), villainHairs()
	}
	worn := oneOf(s, clothes)
	return palette{
		sky: worn[0], glow: worn[1], suit: worn[2], shade: worn[3], trim: worn[4], cape: worn[5],
		skin: oneOf(s, skins), hair: oneOf(s, hairs), dark: "#17151f", light: "#fffdf5", bone: "#cbc4b4",
	}
}

// Each row: sky, glow, suit, shade, trim, cape.
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
