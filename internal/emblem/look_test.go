package emblem

import (
	"regexp"
	"strings"
	"testing"
)

func TestLooks(t *testing.T) {
	colours := regexp.MustCompile(`^#[0-9a-f]{6}( #[0-9a-f]{6}){7}$`)
	names := 0
	for _, look := range parts()["look"] {
		if !colours.MatchString(look.Colours) {
			t.Errorf("%s: %q should be eight colours, of %s", look.Names, look.Colours, characterTones)
		}
		names += len(strings.Split(look.Names, ","))
	}
	if looks()[""] != nil {
		t.Error("a look has no name")
	}
	if len(looks()) != names {
		t.Errorf("%d names have only %d different keys", names, len(looks()))
	}
}

func TestPartsInUse(t *testing.T) {
	use := regexp.MustCompile(`<use href="(.*?)"/>`)
	for class, alternatives := range parts() {
		if strings.HasPrefix(class, "#") && len(alternatives) != 1 {
			t.Errorf("%d parts have the id %s", len(alternatives), class)
		}
		for _, p := range alternatives {
			for _, match := range use.FindAllStringSubmatch(p.SVG, -1) {
				if id := match[1]; id != "#bust" && id != "#face" && parts()[id] == nil {
					t.Errorf("%s%s uses %s, which doesn't exist", class, p.Names, id)
				}
			}
		}
	}
}

// A famous character is drawn with all shapes and the colours of its look, on either team and with any id.
func TestFamousCharacters(t *testing.T) {
	shape := regexp.MustCompile(` d=".*?"`)
	for _, look := range parts()["look"] {
		fields := strings.Fields(look.Colours)
		want := append(shape.FindAllString(look.SVG, -1), `fill="`+fields[0]+`"`, `fill="`+fields[2]+`"`, `fill="`+fields[6]+`"`)
		for name := range strings.SplitSeq(look.Names, ",") {
			for id := range int64(3) {
				hero := Character{Hero, id, name, "Flight", 100}.SVG()
				villain := Character{Villain, id, name, "Flight", 100}.SVG()
				parse(t, hero)
				parse(t, villain)
				for _, fragment := range want {
					if !strings.Contains(string(hero), fragment) || !strings.Contains(string(villain), fragment) {
						t.Errorf("%s with id %d lacks %s", name, id, fragment)
					}
				}
			}
		}
	}
}

func TestLookOfName(t *testing.T) {
	spellings := map[string][]string{
		"Spider-Man": {"spiderman", "SPIDER MAN", "The Spider-Man", " Spider‑Man! "},
		"Joker":      {"The Joker", "the  joker", "J.o.k.e.r"},
		"Astérix":    {"Asterix", "ASTÉRIX", "Aste\u0301rix"},
	}
	for name, others := range spellings {
		for _, other := range others {
			if lookOf(name) == nil || lookOf(other) != lookOf(name) {
				t.Errorf("%q doesn't have the look of %s", other, name)
			}
		}
	}
	for _, name := range []string{"", "The", "Batman's dog", "Batman II", "Bat", "Theo", "Joker2", "🦇"} {
		if lookOf(name) != nil {
			t.Errorf("%q has the look of %s", name, lookOf(name).Names)
		}
	}
}
