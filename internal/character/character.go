// Package character defines the items in the hero and villain catalogs: their fields, limits, JSON and table. The
// package depends on neither HTTP nor any database driver.
package character

import (
	"math"
	"strconv"

	"superheroes/internal/catalog"
	"superheroes/internal/emblem"
)

// Character is a hero or a villain. All strings are stored exactly as received.
type Character struct {
	ID        int64  `json:"id" minimum:"1" doc:"Assigned by the database." example:"1"`
	Name      string `json:"name" minLength:"1" maxLength:"50" example:"Yoda"`
	OtherName string `json:"otherName" maxLength:"255" example:"Minch Yoda"`
	Level     int32  `json:"level" minimum:"0" maximum:"2147483647" doc:"The higher level wins; a tie goes to the villain." example:"286000"`
	Picture   string `json:"picture" maxLength:"255" doc:"URL or path." example:"/api/heroes/1/picture.svg"`
	Powers    string `json:"powers" doc:"Comma separated." example:"Telekinesis, Foresight"`
}

// Key returns the id, or 0 for a character without an id.
func (c Character) Key() int64 { return c.ID }

// Label returns the name.
func (c Character) Label() string { return c.Name }

// AppendJSON appends the character as a JSON object with exactly six fields; an id of 0 becomes null.
func (c Character) AppendJSON(dst []byte) []byte {
	dst = catalog.AppendID(append(dst, `{"id":`...), c.ID)
	dst = catalog.AppendString(append(dst, `,"name":`...), c.Name)
	dst = catalog.AppendString(append(dst, `,"otherName":`...), c.OtherName)
	dst = strconv.AppendInt(append(dst, `,"level":`...), int64(c.Level), 10)
	dst = catalog.AppendString(append(dst, `,"picture":`...), c.Picture)
	dst = catalog.AppendString(append(dst, `,"powers":`...), c.Powers)
	return append(dst, '}')
}

// Check calls refuse for each field outside its limits.
func (c Character) Check(refuse func(field, message string)) {
	if c.ID < 0 {
		refuse("id", "must be at least 1")
	}
	if c.Level < 0 {
		refuse("level", "must be from 0 to "+strconv.Itoa(math.MaxInt32))
	}
	catalog.CheckText(refuse, "name", c.Name, 1, 50)
	catalog.CheckText(refuse, "otherName", c.OtherName, 0, 255)
	catalog.CheckText(refuse, "picture", c.Picture, 0, 255)
	catalog.CheckText(refuse, "powers", c.Powers, 0, 0)
}

// Heroes returns the catalog of heroes.
func Heroes() catalog.Kind[Character] {
	return kind("hero", "heroes", emblem.Hero, Character{
		ID: 1, Name: "Yoda", OtherName: "Minch Yoda", Level: 286_000, Picture: "/api/heroes/1/picture.svg", Powers: "Telekinesis, Foresight",
	})
}

// Villains returns the catalog of villains.
func Villains() catalog.Kind[Character] {
	return kind("villain", "villains", emblem.Villain, Character{
		ID: 1, Name: "Thanos", OtherName: "The Mad Titan", Level: 310_000, Picture: "/api/villains/1/picture.svg", Powers: "Super Strength, Durability",
	})
}

func kind(singular, plural string, team emblem.Team, example Character) catalog.Kind[Character] {
	return catalog.Kind[Character]{
		Singular: singular,
		Plural:   plural,
		Table:    table(singular),
		Example:  example,
		Emblem: func(c Character) []byte {
			return emblem.Character{Team: team, ID: c.ID, Name: c.Name, Powers: c.Powers, Level: c.Level}.SVG()
		},
	}
}

// table returns the table of the Quarkus application, whose sequences increment by 50.
func table(name string) catalog.Table[Character] {
	return catalog.Table[Character]{
		Name:     name,
		Row:      name,
		Sequence: name + "_seq",
		Step:     50,
		Columns:  []string{"id", "name", "otherName", "level", "picture", "powers"},
		Fields: func(c *Character) []any {
			return []any{&c.ID, &c.Name, &c.OtherName, &c.Level, &c.Picture, &c.Powers}
		},
	}
}
