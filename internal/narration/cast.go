package narration

import (
	"strings"
	"unicode"

	"superheroes/internal/fight"
	"superheroes/internal/location"
)

const (
	maxName  = 50 // in code points; the limit for names in this application
	maxPower = 40 // in bytes; a longer text is a description rather than the name of a power
)

// fighter is a side of a fight, with what the story says of it.
type fighter struct {
	name, role   string
	called       string // how the current sentence refers to the fighter: the name or the role
	level        int32
	team         fight.Team
	power, other string // two of the powers; empty if there are none
}

func newFighter(side fight.Side, dice dice) fighter {
	f := fighter{name: display(side.Name), role: "the hero", level: side.Level, team: side.Team}
	if side.Team == fight.Villains {
		f.role = "the villain"
	}
	if f.name == "" {
		f.name = f.role
	}
	f.power, f.other = pickPowers(side.Powers, dice)
	return f
}

// pickPowers picks up to two powers from a comma-separated list.
func pickPowers(list string, dice dice) (first, second string) {
	n := 0
	for power := range strings.SplitSeq(list, ",") {
		power = strings.Join(strings.Fields(power), " ")
		if !tellable(power) || power == first || power == second {
			continue
		}
		n++
		switch dice.intN(n) {
		case 0:
			first, second = power, first
		case 1:
			second = power
		}
	}
	return inSentence(first), inSentence(second)
}

// tellable reports whether a power can follow "the famous" or a name in the possessive, as most can: "Heat Vision",
// "Gadgets". This excludes articles ("The Force") and people ("Master Tactician").
func tellable(power string) bool {
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) }
	if len(power) > maxPower || strings.ContainsFunc(power, hidden) || !strings.ContainsFunc(power, unicode.IsLetter) {
		return false
	}
	for word := range strings.FieldsSeq(power) {
		switch strings.ToLower(word) {
		case "the", "a", "an", "can", "master":
			return false
		}
	}
	return true
}

// inSentence returns a power as it is written within a sentence: "Sword Mastery" becomes "sword mastery", "X-Ray Sight"
// becomes "X-ray sight", and "Vision - Heat" becomes "heat vision".
func inSentence(power string) string {
	if kind, which, found := strings.Cut(power, " - "); found {
		power = which + " " + kind
	}
	runes := []rune(power)
	for i, r := range runes {
		starts := i == 0 || runes[i-1] == ' ' || runes[i-1] == '-'
		if starts && i+1 < len(runes) && unicode.IsLower(runes[i+1]) { // not "X", "EMP" or "3D"
			runes[i] = unicode.ToLower(r)
		}
	}
	return isolate(string(runes))
}

// place is the location of a fight. name is empty if there is none.
type place struct {
	name string // as it is written within a sentence: "the Moon"
	at   string // name after its preposition: "on the Moon"
	kind string
}

func newPlace(found *location.Location) place {
	if found == nil {
		return place{}
	}
	name := display(found.Name)
	if name == "" {
		return place{}
	}
	if rest, has := strings.CutPrefix(name, "The "); has {
		name = "the " + rest
	} else if strings.Contains(name, " of ") { // the Isle of Man
		name = "the " + name
	}
	return place{name: name, at: preposition(name, found.Type) + " " + name, kind: found.Type}
}

// preposition returns the preposition that a place takes.
func preposition(name, kind string) string {
	switch kind {
	case "CITY", "COUNTRY":
		return "in"
	case "PLANET", "MOON", "ISLAND":
		return "on"
	}
	for _, inside := range []string{"Forest", "Mines", "Woods", "Valley", "Land", "Street", "Hut"} {
		if strings.Contains(name, inside) {
			return "in"
		}
	}
	if strings.HasPrefix(name, "Mount ") {
		return "on"
	}
	return "at"
}

// display returns a name as the story shows it: on one line, with at most maxName code points. It returns "" if nothing
// of the name is visible.
func display(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, name)
	if !strings.ContainsFunc(name, visible) {
		return ""
	}
	name = strings.Join(strings.Fields(name), " ")
	n := 0
	for i := range name {
		if n == maxName {
			name = name[:i] + "…"
			break
		}
		n++
	}
	return isolate(name)
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// isolate encloses text that is written from right to left in isolating marks, so that the punctuation and numbers of
// the sentence around it stay in their places.
func isolate(text string) string {
	rightToLeft := func(r rune) bool {
		return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
	}
	if !strings.ContainsFunc(text, rightToLeft) {
		return text
	}
	return "\u2068" + text + "\u2069"
}
