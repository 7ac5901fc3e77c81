package emblem

import (
	"slices"
	"strings"
	"testing"
)

// signOf returns the glyph with the given stem.
func signOf(t *testing.T, stem string) string {
	t.Helper()
	all := glyphs()
	i := slices.IndexFunc(all, func(g glyph) bool { return slices.Contains(g.stems, stem) })
	if i < 0 {
		t.Fatalf("no glyph has the stem %q", stem)
	}
	return all[i].shape
}

func TestGlyphOfPower(t *testing.T) {
	tests := []struct{ power, stem string }{
		{"Flight", "wing"},
		{"FIRE CONTROL", "flam"},
		{"X-Ray Sight", "eye"},
		{"Lightning", "thunder"},
		{"Lightsaber Duelling", "sword"},
		{"Frost Breath", "ice"},
		{"Powered Armour", "shield"},
		{"Immense Strength", "fist"},
		{"Telepathy", "mind"},
		{"Voice Stealing", "sound"}, // not ice: stems are prefixes
		{"Time Travel", "immort"},
		{"Plant Control", "leaf"},
	}
	for _, test := range tests {
		t.Run(test.power, func(t *testing.T) {
			if got := glyphsOf(test.power, 8); len(got) != 1 || got[0] != signOf(t, test.stem) {
				t.Errorf("not drawn with the sign of %q", test.stem)
			}
		})
	}
}

func TestGlyphsOf(t *testing.T) {
	tests := []struct {
		name, powers string
		want         int
	}{
		{"none", "", 0},
		{"only separators", " , ,,", 0},
		{"one kind twice", "Fire Ball, Flame Wall", 1},
		{"unknown power", "Zzyzx", 1},
		{"more than there is room for", "eye, wing, fire, ice, water, leaf, gear, shield, sword, fist", 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := glyphsOf(test.powers, 8); len(got) != test.want {
				t.Errorf("%d glyphs, want %d", len(got), test.want)
			}
		})
	}
}

func TestUnknownPowersSpread(t *testing.T) {
	kinds := make(map[string]bool)
	for n := range 200 {
		kinds[glyphsOf("zz"+strings.Repeat("q", n), 1)[0]] = true
	}
	if len(kinds) < len(glyphs())/2 {
		t.Errorf("200 unknown powers share %d glyphs", len(kinds))
	}
}

func TestStemsAreLowerCaseAndUnique(t *testing.T) {
	seen := make(map[string]bool)
	for _, g := range glyphs() {
		for _, stem := range g.stems {
			if stem != strings.ToLower(stem) || strings.ContainsAny(stem, " -,") {
				t.Errorf("stem %q can never match", stem)
			}
			if seen[stem] {
				t.Errorf("duplicate stem %q", stem)
			}
			seen[stem] = true
		}
	}
}
