// Package emblem draws the picture of a hero, a villain or a location as a small
// SVG document, so that no picture has to be stored or fetched from elsewhere.
//
// Drawing is a pure function of the entry and only uses integers: the same entry yields the same bytes on every
// platform. The id and the name determine the face, the colours and the background; powers and level only add marks, so
// a hero whose level rises stays recognisable. Famous characters are recognised by name and have looks of their own, in
// looks.svg; only their background, collar and marks vary.
//
// Every document is smaller than MaxSize bytes. Documents contain no scripts, styles or external references, so they
// work under the strictest content security policy.
package emblem

// MaxSize is the exclusive upper bound on a document's length, in bytes.
const MaxSize = 8 << 10

// Team is the side that a character fights on.
type Team int

// The two sides. The zero value is Hero.
const (
	Hero Team = iota
	Villain
)

// Character holds the properties shown in the picture of a hero or villain. Any value can be drawn: strings may have
// any length, including 0, and need not be valid UTF-8.
type Character struct {
	Team   Team
	ID     int64
	Name   string
	Powers string // comma-separated; signs for the first eight kinds of power are shown
	Level  int32
}

// Place holds the properties shown in the picture of a location. Any value can be drawn. A Type other than CITY,
// PLANET, ISLAND, COUNTRY or MOON is drawn as a PLACE.
type Place struct {
	ID   int64
	Name string
	Type string
}
