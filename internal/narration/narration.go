// Package narration tells the story of a decided fight in three to five sentences of plain English. It needs neither a
// service nor the network: the sentences come from a grammar in this package, filled with the fighters' names, levels
// and powers and the name of the location. The same fight always yields the same story.
package narration

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"superheroes/internal/fight"
)

// usualSize is the initial capacity for a story in bytes, enough for most stories.
const usualSize = 768

// Of returns the story of a fight. It is plain text with at most a few kilobytes, whatever the fight contains. It may
// include anything that the names include, such as markup, so a page must not parse it.
func Of(f fight.Fight) string {
	winner, loser := f.Sides()
	s := story{dice: newDice(f), place: newPlace(f.Location), text: make([]byte, 0, usualSize)}
	s.winner, s.loser = newFighter(winner, s.dice), newFighter(loser, s.dice)
	s.tellOpening()
	s.tellExchange()
	s.tell(toneOf(winner.Level, loser.Level).endings())
	s.tellAftermath()
	return string(s.text)
}

// tellOpening begins the story, without revealing the winner.
func (s *story) tellOpening() {
	if s.place.name == "" {
		s.tell(openingsNowhere)
		return
	}
	s.tell(openings, openingsOn(s.place.kind))
}

// tellExchange tells in one or two sentences how the fighters use the powers that they have.
func (s *story) tellExchange() {
	attack, answer := s.loser.power != "", s.winner.power != ""
	if !attack && !answer {
		s.tell(blows)
	}
	if attack && (!answer || s.dice.intN(4) > 0) {
		s.tell(attacks, ifAny(s.loser.other, doubleAttacks))
	}
	if answer {
		s.tell(answers, ifAny(s.winner.other, doubleAnswers))
	}
}

// ifAny returns the sentences, or none if they need a value that is missing.
func ifAny(value, sentences string) string {
	if value == "" {
		return ""
	}
	return sentences
}

// tellAftermath ends half of the stories.
func (s *story) tellAftermath() {
	if s.dice.intN(2) == 0 {
		s.tell(aftermaths, ifAny(s.place.name, aftermathsAtPlace))
	}
}

// tone is the tone of the ending. It depends on the difference between the levels.
type tone int

const (
	tied     tone = iota // the levels are equal
	narrow               // the winner's level is less than one and a half times the loser's
	decisive             // less than five times
	crushing             // five times or more
	upset                // the lower level won; this application never stores such a fight, but another may
)

func toneOf(winner, loser int32) tone {
	switch w, l := int64(winner), int64(loser); {
	case w == l:
		return tied
	case w < l:
		return upset
	case 2*w < 3*l:
		return narrow
	case w < 5*l:
		return decisive
	}
	return crushing
}

func (t tone) endings() string {
	return [...]string{
		tied: tiedEndings, narrow: narrowEndings, decisive: decisiveEndings, crushing: crushingEndings, upset: upsetEndings,
	}[t]
}

// dice makes the choices of a story. Only the raw output of the generator is used, because the other algorithms of
// math/rand may change.
type dice struct{ source *rand.PCG }

// newDice returns dice whose seed is a hash of the fight.
func newDice(f fight.Fight) dice {
	hash := fnv.New64a()
	_, _ = fmt.Fprintf(hash, "%s\n%s\n%d\n%s\n%d", f.ID, f.Hero.Name, f.Hero.Level, f.Villain.Name, f.Villain.Level)
	return dice{rand.NewPCG(hash.Sum64(), 0)}
}

// intN returns a number from 0 to n-1.
func (d dice) intN(n int) int { return int(d.source.Uint64() % uint64(n)) }
