// Package emblem draws the picture of a hero, a villain or a location as a small
// SVG document, so that no picture has to be stored or fetched from elsewhere.
//
// Drawing is a pure function of the entry and uses whole numbers only: the same
// entry gives the same bytes on every platform. Id and name decide the face, the
// colours and the background; powers and level only add their marks, so a hero
// that is promoted stays recognisable.
//
// A document is below MaxSize bytes whatever the entry holds. It has no script,
// no style and no reference to anything outside itself, so a page may show it
// under the strictest content security policy.
package emblem

// MaxSize is a length in bytes that every document stays below.
const MaxSize = 8 << 10

// Team is the side of a character.
type Team int

// The two sides. The zero value is Hero.
const (
	Hero Team = iota
	Villain
)

// Character is what the picture of a hero or villain shows. Any value can be
// drawn: strings may be empty, of any length and need not be UTF-8.
type Character struct {
	Team   Team
	ID     int64
	Name   string
	Powers string // separated by commas; the first eight that differ in kind are shown
	Level  int32
}

// Place is what the picture of a location shows. Any value can be drawn; one
// whose Type is not CITY, PLANET, ISLAND, COUNTRY or MOON is drawn as a PLACE.
type Place struct {
	ID   int64
	Name string
	Type string
}
