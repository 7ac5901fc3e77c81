// Package synthetic generates rosters of any size, for trying out large catalogs. The same seed yields the same
// entries in the same order with every version of Go. Entries are not kept in memory. The package depends on the entry
// types, but not on any store.
package synthetic

import (
	"iter"
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// maxName is the maximum length of a name, in code points.
const maxName = 50

// Heroes yields an endless sequence of heroes without ids. Names may repeat.
func Heroes(seed uint64) iter.Seq[character.Character] { return characters(seed, 1, heroWords()) }

// Villains is like Heroes, but yields villains.
func Villains(seed uint64) iter.Seq[character.Character] { return characters(seed, 2, villainWords()) }

// Locations yields an endless sequence of locations without ids. Names don't repeat.
func Locations(seed uint64) iter.Seq[location.Location] {
	return func(yield func(location.Location) bool) {
		d, words := newDice(seed, 3), placeWords()
		names := newPlaceNames(&d, words)
		for n := uint64(0); ; n++ {
			place := location.Location{Name: names.name(n), Type: d.pick(words.types)}
			place.Description = "A " + d.pick(words.adjectives) + " " + strings.ToLower(place.Type) + " " + d.pick(words.clauses) + "."
			if !yield(place) {
				return
			}
		}
	}
}

// dice makes random choices. dice uses only the raw output of a math/rand generator, because the other algorithms of
// math/rand may change.
type dice struct{ source *rand.PCG }

func newDice(seed, stream uint64) dice { return dice{rand.NewPCG(seed, stream)} }

// intN returns a random number from 0 to n-1.
func (d *dice) intN(n uint64) uint64 { return d.source.Uint64() % n }

func (d *dice) pick(choices []string) string { return choices[d.intN(uint64(len(choices)))] }

func characters(seed, stream uint64, words characterWords) iter.Seq[character.Character] {
	return func(yield func(character.Character) bool) {
		d := newDice(seed, stream)
		for {
			c := character.Character{Name: d.alias(words), Level: d.level(), Powers: d.powers(words)}
			if d.intN(5) > 0 {
				c.OtherName = d.pick(words.first) + " " + d.pick(words.last)
			}
			if !yield(c) {
				return
			}
		}
	}
}

// alias generates the name of a character: usually two or three words, occasionally a name of minimum or maximum
// length.
func (d *dice) alias(words characterWords) string {
	switch kind := d.intN(1000); {
	case kind == 0:
		return d.pick(words.letters)
	case kind == 1:
		return d.longest(words)
	case kind < 300:
		return d.pick(words.adjectives) + " " + d.pick(words.nouns)
	case kind < 600:
		return d.pick(words.titles) + " " + d.pick(words.nouns)
	case kind < 800:
		return "The " + d.pick(words.adjectives) + " " + d.pick(words.nouns)
	}
	return d.pick(words.titles) + " " + d.pick(words.adjectives) + " " + d.pick(words.nouns)
}

// longest generates a name of maxName code points.
func (d *dice) longest(words characterWords) string {
	name := d.pick(words.titles)
	for utf8.RuneCountInString(name) < maxName {
		name += " " + d.pick(words.adjectives)
	}
	name = string([]rune(name)[:maxName])
	if cut, found := strings.CutSuffix(name, " "); found {
		return cut + "!"
	}
	return name
}

// level returns a random level up to 2^18. Levels from 1 to 2 are as frequent as levels from 2 to 4, from 4 to 8 and so
// on, so strong characters are rare.
func (d *dice) level() int32 {
	least := uint64(1) << d.intN(18)
	return int32(least + d.intN(least))
}

// powers returns one to six distinct powers, joined by commas.
func (d *dice) powers(words characterWords) string {
	first, n := d.intN(uint64(len(words.powers))), 1+d.intN(6)
	step := 1 + 2*d.intN(uint64(len(words.powers)/16)) // odd, so that six steps reach six different powers
	list := make([]string, n)
	for i := range n {
		list[i] = words.powers[(first+i*step)%uint64(len(words.powers))]
	}
	return strings.Join(list, ", ")
}
