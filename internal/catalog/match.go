package catalog

import (
	"strings"
	"unicode"
)

// Match tells whether a name has a part, letter case folded, every other difference counted: accents, combining
// marks, % and _. It is the only place that decides, so that every store agrees; what lower() and LIKE make of
// such names depends on each engine's locale and collation.
type Match struct{ part string }

// NewMatch returns the match for that part of a name.
func NewMatch(part string) Match { return Match{fold(part)} }

// Name tells whether name has the part.
func (m Match) Name(name string) bool { return strings.Contains(fold(name), m.part) }

// fold maps each letter to one of those that differ from it by case only (Unicode's simple case folding).
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		lowest := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			lowest = min(lowest, next)
		}
		return lowest
	}, text)
}
