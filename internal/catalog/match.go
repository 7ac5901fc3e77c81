package catalog

import (
	"strings"
	"unicode"
)

// Match matches names that contain a substring, ignoring case but nothing else: accents, combining marks, % and _ are
// significant. Filtering happens only here, so that all stores agree: lower() and LIKE depend on each engine's locale
// and collation.
type Match struct{ part string }

// NewMatch returns a match for a substring of a name.
func NewMatch(part string) Match { return Match{fold(part)} }

// Name reports whether name contains the substring.
func (m Match) Name(name string) bool { return strings.Contains(fold(name), m.part) }

// fold maps each letter to the lowest code point that differs from it only in case (Unicode's simple case folding).
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		lowest := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			lowest = min(lowest, next)
		}
		return lowest
	}, text)
}
