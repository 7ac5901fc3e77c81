package emblem

import (
	"slices"
	"strings"
	"testing"
)

// signOf returns the sign that has the given prefix.
func signOf(t *testing.T, beginning string) string {
	t.Helper()
	all := parts()["power"]
	i := slices.IndexFunc(all, func(sign part) bool { return slices.Contains(strings.Fields(sign.Words), beginning) })
	if i < 0 {
		t.Fatalf("no sign has the prefix %q", beginning)
	}
	return all[i].SVG
}

func TestSignOfPower(t *testing.T) {
	tests := []struct{ power, beginning string }{
		{"Flight", "wing"},
		{"FIRE CONTROL", "flam"},
		{"X-Ray Sight", "eye"},
		{"Lightning", "thunder"},
		{"Lightsaber Duelling", "sword"},
		{"Frost Breath", "ice"},
		{"Powered Armour", "shield"},
		{"Immense Strength", "fist"},
		{"Telepathy", "mind"},
		{"Voice Stealing", "sound"}, // not ice, because only prefixes of words count
		{"Time Travel", "immort"},
		{"Plant Control", "leaf"},
	}
	for _, test := range tests {
		t.Run(test.power, func(t *testing.T) {
			if got := signs(test.power, 8); len(got) != 1 || got[0] != signOf(t, test.beginning) {
				t.Errorf("the power isn't drawn with the sign for %q", test.beginning)
			}
		})
	}
}

func TestSigns(t *testing.T) {
	tests := []struct {
		name, powers string
		want         int
	}{
		{"none", "", 0},
		{"only separators", " , ,,", 0},
		{"two powers of the same kind", "Fire Ball, Flame Wall", 1},
		{"unknown power", "Zzyzx", 1},
		{"more than the maximum", "eye, wing, fire, ice, water, leaf, gear, shield, sword, fist", 8},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := signs(test.powers, 8); len(got) != test.want {
				t.Errorf("%d signs, want %d", len(got), test.want)
			}
		})
	}
}

func TestUnknownPowersSpread(t *testing.T) {
	kinds := make(map[string]bool)
	for n := range 200 {
		kinds[signs("zz"+strings.Repeat("q", n), 1)[0]] = true
	}
	if len(kinds) < len(parts()["power"])/2 {
		t.Errorf("200 unknown powers use only %d different signs", len(kinds))
	}
}

func TestPrefixesAreLowerCaseAndUnique(t *testing.T) {
	seen := make(map[string]bool)
	for _, sign := range parts()["power"] {
		for beginning := range strings.FieldsSeq(sign.Words) {
			if beginning != strings.ToLower(beginning) || strings.ContainsAny(beginning, "-,") {
				t.Errorf("%q can never match", beginning)
			}
			if seen[beginning] {
				t.Errorf("%q twice", beginning)
			}
			seen[beginning] = true
		}
	}
}
