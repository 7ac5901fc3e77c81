package emblem

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// looks returns the looks of famous characters, in looks.svg, by the keys of their names.
var looks = sync.OnceValue(func() map[string]*part { //nolint:gochecknoglobals // never changed
	byKey := map[string]*part{}
	for _, look := range parts()["look"] {
		for name := range strings.SplitSeq(look.Names, ",") {
			byKey[key(name)] = &look
		}
	}
	return byKey
})

// lookOf returns the look of the character with the given name, or nil if the character isn't famous.
func lookOf(name string) *part { return looks()[key(name)] }

// key returns a name's letters and digits, without a leading "The", case or accents, so that different spellings of a
// name have the same key.
func key(name string) string {
	name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "the ")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, norm.NFD.String(name))
}
