package mongodb

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
	"superheroes/internal/storage"
)

// A fight is a document whose _id is a lowercase UUID string. All other documents in the collection belong to other
// applications, and are neither counted nor listed. No fight has the largest possible UUID as its id.
const (
	anyID  = `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z`
	ourIDs = `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\z`
)

// allFights returns the filter condition that matches all fights. It constrains only the id, by a range and a pattern:
// MongoDB scans the part of the index whose strings begin with a hexadecimal digit, and matches the pattern without
// reading documents.
func allFights() bson.E { return below(fight.MaxID(), anyID) }

// below returns the filter condition for documents whose id is less than the given id and matches the pattern.
func below(id fight.ID, pattern string) bson.E {
	return bson.E{Key: "_id", Value: bson.D{
		{Key: "$gte", Value: "0"}, {Key: "$lt", Value: id.String()}, {Key: "$regex", Value: pattern},
	}}
}

// parseFight parses a stored fight, which may have been written by another program. Unknown fields are ignored, the
// fields copied from hero and villain are not read, and strings, numbers and the location may be missing. The error is
// a *storage.RowError that names the invalid field.
func parseFight(document bson.Raw) (fight.Fight, error) {
	id, _ := document.Lookup("_id").StringValueOK()
	f, err := parseFields(id, document)
	if err != nil {
		return f, &storage.RowError{What: "fight", ID: id, Err: err}
	}
	return f, nil
}

func parseFields(id string, document bson.Raw) (f fight.Fight, err error) {
	if f.ID, err = fight.ParseID(id); err != nil {
		return f, err
	}
	r := reader{document: document, err: &err}
	f.Date = get(r.require("fight_date"), "fight_date", "a date", bson.RawValue.TimeOK).UTC()
	f.Winner = fight.Team(r.text("winner_team"))
	f.Hero, f.Villain = r.fighter("hero"), r.fighter("villain")
	f.Location = r.location("location")
	if err != nil {
		return f, err
	}
	return f, f.Check()
}

// reader reads the fields of a document, and records the first error.
type reader struct {
	within   string // path of the enclosing field, with a trailing dot
	document bson.Raw
	err      *error // the first error
}

func (r reader) fail(field, format string, args ...any) {
	if *r.err == nil {
		*r.err = fmt.Errorf(r.within+field+format, args...)
	}
}

// value returns a field's value. For a missing or null field, the type of the value is 0.
func (r reader) value(field string) bson.RawValue {
	value, err := r.document.LookupErr(field)
	if err != nil && !errors.Is(err, bsoncore.ErrElementNotFound) {
		r.fail(field, ": %w", err)
	}
	if value.Type == bson.TypeNull {
		return bson.RawValue{}
	}
	return value
}

// require records an error if the field is missing.
func (r reader) require(field string) reader {
	if r.value(field).Type == 0 {
		r.fail(field, " is missing")
	}
	return r
}

// get returns the converted value of a field, or the zero value if the field is missing or has the wrong type.
func get[T any](r reader, field, want string, convert func(bson.RawValue) (T, bool)) (converted T) {
	value := r.value(field)
	if value.Type == 0 {
		return converted
	}
	converted, ok := convert(value)
	if !ok {
		r.fail(field, " has the BSON type %s, but must be %s", value.Type, want)
	}
	return converted
}

func (r reader) text(field string) string {
	text := get(r, field, "a string", bson.RawValue.StringValueOK)
	if !utf8.ValidString(text) {
		r.fail(field, " is not UTF-8")
	}
	return text
}

func (r reader) integer(field string, most int64) int64 {
	n := get(r, field, "an integer", integerOf)
	if n > most || n < -most {
		r.fail(field, " is %d, which is out of range", n)
	}
	return n
}

// integerOf converts a number of any BSON type to an integer if it has no fractional part, since JavaScript stores
// integers as doubles.
func integerOf(value bson.RawValue) (int64, bool) {
	d, ok := value.DoubleOK()
	if !ok {
		return value.AsInt64OK()
	}
	return int64(d), d == math.Trunc(d) && math.Abs(d) <= 1<<53
}

// part returns a reader for the embedded document in a field.
func (r reader) part(field string) reader {
	return reader{field + ".", get(r, field, "a document", bson.RawValue.DocumentOK), r.err}
}

func (r reader) fighter(field string) character.Character {
	part := r.require(field).part(field).require("name")
	return character.Character{
		ID: part.integer("id", math.MaxInt64), Name: part.text("name"), OtherName: part.text("otherName"),
		Level: int32(part.integer("level", math.MaxInt32)), Picture: part.text("picture"), Powers: part.text("powers"),
	}
}

func (r reader) location(field string) *location.Location {
	if r.value(field).Type == 0 {
		return nil
	}
	part := r.part(field)
	return &location.Location{
		ID: part.integer("id", math.MaxInt64), Name: part.text("name"), Description: part.text("description"),
		Picture: part.text("picture"), Type: part.text("type"),
	}
}
