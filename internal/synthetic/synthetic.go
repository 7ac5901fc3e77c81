// Package synthetic makes up rosters of any size, to try a large catalog with. The same seed gives the same entries, in
// the same order, with every version of Go; nothing of them is kept in memory.
package synthetic

import (
	"iter"
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// maxName is the longest name, in code points.
const maxName = 50

// Heroes yields heroes without ids, without end. Names may come twice.
func Heroes(seed uint64) iter.Seq[character.Character] { return characters(seed, 1, heroWords()) }

// Villains is Heroes for the other side.
func Villains(seed uint64) iter.Seq[character.Character] { return characters(seed, 2, villainWords()) }

// Locations yields locations without ids, without end. No name comes twice.
func Locations(seed uint64) iter.Seq[location.Location] {
	return func(yield func(location.Location) bool) {
		d, words := newDice(seed, 3), placeWords()
		names := newPlaceNames(&d, words)
		for n := uint64(0); ; n++ {
			place := location.Location{Name: names.name(n), Type: d.one(words.types)}
			place.Description = "A " + d.one(words.adjectives) + " " + strings.ToLower(place.Type) + " " + d.one(words.clauses) + "."
			if !yield(place) {
				return
			}
		}
	}
}

// dice makes small choices. It takes the generator's numbers as they are: what math/rand makes of them may change.
type dice struct{ source *rand.PCG }

func newDice(seed, stream uint64) dice { return dice{rand.NewPCG(seed, stream)} }

// below returns a number from 0 to n-1.
func (d *dice) below(n uint64) uint64 { return d.source.Uint64() % n }

func (d *dice) one(choices []string) string { return choices[d.below(uint64(len(choices)))] }

func characters(seed, stream uint64, words characterWords) iter.Seq[character.Character] {
	return func(yield func(character.Character) bool) {
		d := newDice(seed, stream)
		for {
			c := character.Character{Name: d.alias(words), Level: d.level(), Powers: d.powers(words)}
			if d.below(5) > 0 {
				c.OtherName = d.one(words.first) + " " + d.one(words.last)
			}
			if !yield(c) {
				return
			}
		}
	}
}

// alias makes the name of a character: of two or three words mostly, now and then as short or as long as one may be.
func (d *dice) alias(words characterWords) string {
	switch kind := d.below(1000); {
	case kind == 0:
		return d.one(words.letters)
	case kind == 1:
		return d.longest(words)
	case kind < 300:
		return d.one(words.adjectives) + " " + d.one(words.nouns)
	case kind < 600:
		return d.one(words.titles) + " " + d.one(words.nouns)
	case kind < 800:
		return "The " + d.one(words.adjectives) + " " + d.one(words.nouns)
	}
	return d.one(words.titles) + " " + d.one(words.adjectives) + " " + d.one(words.nouns)
}

// longest makes a name of maxName code points.
func (d *dice) longest(words characterWords) string {
	name := d.one(words.titles)
	for utf8.RuneCountInString(name) < maxName {
		name += " " + d.one(words.adjectives)
	}
	name = string([]rune(name)[:maxName])
	if cut, found := strings.CutSuffix(name, " "); found {
		return cut + "!"
	}
	return name
}

// level is as likely from 1 to 2 as from 2 to 4, and so on up to 2^18: few are strong.
func (d *dice) level() int32 {
	least := uint64(1) << d.below(18)
	return int32(least + d.below(least))
}

// powers joins one to six, none twice.
func (d *dice) powers(words characterWords) string {
	first, n := d.below(uint64(len(words.powers))), 1+d.below(6)
	step := 1 + 2*d.below(uint64(len(words.powers)/16)) // odd: in six steps round the list none comes twice
	list := make([]string, n)
	for i := range n {
		list[i] = words.powers[(first+i*step)%uint64(len(words.powers))]
	}
	return strings.Join(list, ", ")
}
