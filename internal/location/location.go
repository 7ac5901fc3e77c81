// Package location defines the items in the location catalog: their fields, limits, JSON and table. The package depends
// on neither HTTP nor any database driver.
package location

import (
	"strings"

	"superheroes/internal/catalog"
	"superheroes/internal/emblem"
)

// Location is a place where fights take place. All strings are stored exactly as received.
type Location struct {
	ID          int64  `json:"id" minimum:"1" doc:"Assigned by the database." example:"1"`
	Name        string `json:"name" minLength:"1" maxLength:"50" doc:"Location names are unique." example:"Gotham City"`
	Description string `json:"description" example:"A city of gargoyles and rain."`
	Picture     string `json:"picture" maxLength:"255" doc:"URL or path." example:"/api/locations/1/picture.svg"`
	Type        string `json:"type" enum:"CITY,PLANET,PLACE,ISLAND,COUNTRY,MOON" example:"CITY"`
}

// types lists the valid values of Type.
const types = "CITY PLANET PLACE ISLAND COUNTRY MOON"

// Key returns the id, or 0 for a location without an id.
func (l Location) Key() int64 { return l.ID }

// Label returns the name.
func (l Location) Label() string { return l.Name }

// AppendJSON appends the location as a JSON object with exactly five fields; an id of 0 becomes null.
func (l Location) AppendJSON(dst []byte) []byte {
	dst = catalog.AppendID(append(dst, `{"id":`...), l.ID)
	dst = catalog.AppendString(append(dst, `,"name":`...), l.Name)
	dst = catalog.AppendString(append(dst, `,"description":`...), l.Description)
	dst = catalog.AppendString(append(dst, `,"picture":`...), l.Picture)
	dst = catalog.AppendString(append(dst, `,"type":`...), l.Type)
	return append(dst, '}')
}

// Check calls refuse for each field outside its limits.
func (l Location) Check(refuse func(field, message string)) {
	if l.Type == "" {
		refuse("type", "is missing or empty")
	}
	l.CheckGiven(refuse)
}

// CheckGiven is like Check, but allows an empty type, because the location of a fight may have no type.
func (l Location) CheckGiven(refuse func(field, message string)) {
	if l.ID < 0 {
		refuse("id", "must be at least 1")
	}
	catalog.CheckText(refuse, "name", l.Name, 1, 50)
	catalog.CheckText(refuse, "description", l.Description, 0, 0)
	catalog.CheckText(refuse, "picture", l.Picture, 0, 255)
	if l.Type == "" {
		return
	}
	for known := range strings.FieldsSeq(types) {
		if l.Type == known {
			return
		}
	}
	refuse("type", "must be one of "+types)
}

// Locations returns the catalog of locations; it uses the table of the Quarkus application.
func Locations() catalog.Kind[Location] {
	return catalog.Kind[Location]{
		Singular: "location",
		Plural:   "locations",
		Table: catalog.Table[Location]{
			Name:    "locations",
			Row:     "location",
			Step:    1,
			Columns: []string{"id", "name", "description", "picture", "type"},
			Fields: func(l *Location) []any {
				return []any{&l.ID, &l.Name, &l.Description, &l.Picture, &l.Type}
			},
		},
		Example: Location{
			ID: 1, Name: "Gotham City", Description: "A city of gargoyles and rain.", Picture: "/api/locations/1/picture.svg", Type: "CITY",
		},
		Emblem: func(l Location) []byte {
			return emblem.Place{ID: l.ID, Name: l.Name, Type: l.Type}.SVG()
		},
	}
}
