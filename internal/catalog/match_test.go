package catalog_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"superheroes/internal/catalog"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name       string
		text, part string
		want       bool
	}{
		{"empty part", "Yoda", "", true},
		{"É and é", "ÉCLAIR", "éclair", true},
		{"accent only in the name", "éclair", "eclair", false},
		{"precomposed name, combining part", "\u00e9", "e\u0301", false},
		{"letter before a combining accent", "e\u0301", "E", true},
		{"the combining accent alone", "e\u0301", "\u0301", true},
		{"final sigma", "σοφός", "ΣΟΦΌΣ", true},
		{"sharp s and its capital", "Straße", "STRAẞE", true},
		{"sharp s doesn't match ss", "Straße", "STRASSE", false},
		{"Kelvin sign and k", "300 \u212a", "k", true},
		{"Ångström sign and å", "\u212b", "å", true},
		{"long s", "ſ", "S", true},
		{"dotless i doesn't match i", "ı", "I", false},
		{"dotted I doesn't match i", "İ", "i", false},
		{"Cyrillic io doesn't match ie", "Чёрный", "черный", false},
		{"Deseret, beyond 16 bits", "𐐀", "𐐨", true},
		{"percent is not a wildcard", "Yoda", "Y%a", false},
		{"underscore is not a wildcard", "Yoda", "Y_da", false},
		{"backslash does not escape", "100%", `\%`, false},
		{"star and dot are not wildcards", "Yoda", "Y.*", false},
		{"emoji without a skin tone modifier", "🦸🏽", "🦸", true},
		{"trailing blanks are significant", "Yoda", "yoda ", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := catalog.Matches(c.text, c.part); got != c.want {
				t.Errorf("%q in %q: got %t", c.part, c.text, got)
			}
		})
	}
}

// TestMatchProperties compares Matches with the standard library, which can only fold the case of whole strings.
func TestMatchProperties(t *testing.T) {
	// The alphabet is small, so that many strings match, and includes letters with more than two case variants.
	letters := rapid.StringOfN(rapid.SampledFrom([]rune("aAkK\u212asS\u017fßẞéÉe\u0301σςΣ%_İı")), 0, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(letters, rapid.String()).Draw(t, "text")
		part := rapid.OneOf(letters, rapid.String()).Draw(t, "part")
		if got, want := catalog.Matches(text, part), hasFolded([]rune(text), []rune(part)); got != want {
			t.Errorf("%q in %q: got %t, want %t", part, text, got, want)
		}
		if !catalog.Matches(text+part+text, part) {
			t.Errorf("%q isn't found between two copies of %q", part, text)
		}
	})
}

func hasFolded(text, part []rune) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		if strings.EqualFold(string(text[i:i+len(part)]), string(part)) {
			return true
		}
	}
	return false
}
