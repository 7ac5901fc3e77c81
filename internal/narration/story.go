package narration

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"superheroes/internal/fight"
)

// story is a story in the making. The sentences of the grammar are lines with slots and choices: {winner} is replaced
// by a name, and [one|another] by one of the alternatives, which may have slots too. What fills a slot is never expanded.
type story struct {
	winner, loser fighter
	place         place
	dice          dice
	text          []byte
}

// tell picks a sentence from the lists, all with the same probability, and appends it to the story.
func (s *story) tell(lists ...string) {
	if len(s.text) > 0 {
		s.text = append(s.text, ' ')
	}
	begin := len(s.text)
	s.winner.refer(s.dice)
	s.loser.refer(s.dice)
	s.expand(s.pick(lists))
	if bytes.HasPrefix(s.text[begin:], []byte("the ")) {
		s.text[begin] = 'T'
	}
	if last, _ := utf8.DecodeLastRune(s.text); !strings.ContainsRune(".!?…", last) { // the end may be a name such as "Jr."
		s.text = append(s.text, '.')
	}
}

// pick returns a line of the lists.
func (s *story) pick(lists []string) string {
	lines := 0
	for _, list := range lists {
		lines += strings.Count(list, "\n")
	}
	n := s.dice.intN(lines)
	for _, list := range lists {
		for line := range strings.Lines(list) {
			if n == 0 {
				return line[:len(line)-1]
			}
			n--
		}
	}
	return ""
}

// expand appends a sentence, or an alternative of a choice.
func (s *story) expand(sentence string) {
	for {
		text, rest, special := cutSpecial(sentence)
		s.text = append(s.text, text...)
		switch special {
		case '{':
			text, sentence, _ = strings.Cut(rest, "}")
			s.text = append(s.text, s.value(text)...)
		case '[':
			text, sentence, _ = strings.Cut(rest, "]")
			s.expand(s.choose(text))
		default:
			return
		}
	}
}

// cutSpecial splits a sentence at its first brace or bracket; special is 0 if there is none.
func cutSpecial(sentence string) (before, after string, special byte) {
	i := strings.IndexAny(sentence, "{[")
	if i < 0 {
		return sentence, "", 0
	}
	return sentence[:i], sentence[i+1:], sentence[i]
}

// choose returns one of the alternatives.
func (s *story) choose(alternatives string) string {
	for range s.dice.intN(strings.Count(alternatives, "|") + 1) {
		_, alternatives, _ = strings.Cut(alternatives, "|")
	}
	chosen, _, _ := strings.Cut(alternatives, "|")
	return chosen
}

// value returns what fills a slot.
func (s *story) value(slot string) string {
	hero, villain := s.winner, s.loser
	if s.winner.team == fight.Villains {
		hero, villain = villain, hero
	}
	switch who, what, _ := strings.Cut(slot, "'s "); who {
	case "winner":
		return s.winner.value(what)
	case "loser":
		return s.loser.value(what)
	case "hero":
		return hero.name
	case "villain":
		return villain.name
	case "place":
		return s.place.name
	case "at":
		return s.place.at
	}
	return ""
}

// value returns a property of a fighter, by default what the sentence calls the fighter.
func (f fighter) value(what string) string {
	switch what {
	case "power":
		return f.power
	case "other power":
		return f.other
	case "level":
		return humanize.Comma(int64(f.level))
	case "team":
		return string(f.team)
	}
	return f.called
}

// refer chooses how a sentence refers to the fighter: in two of three by name.
func (f *fighter) refer(dice dice) {
	f.called = f.name
	if dice.intN(3) == 0 {
		f.called = f.role
	}
}
