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

// A fight is a document whose _id is a UUID as a lower-case string. All other documents in the collection belong to
// others, and are neither counted nor listed. The largest UUID identifies nothing.
const (
	anyID  = `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z`
	ourIDs = `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\z`
)

// allFights returns the filter condition that a document is a fight. It is a condition on the id alone, a range plus a
// pattern: MongoDB scans the part of the index with strings that begin with a hexadecimal digit, and matches the
// pattern without reading documents.
func allFights() bson.E { return below(fight.MaxID(), anyID) }

// below returns the condition that the id is less than another and matches the pattern.
func below(id fight.ID, pattern string) bson.E {
	return bson.E{Key: "_id", Value: bson.D{
		{Key: "$gte", Value: "0"}, {Key: "$lt", Value: id.String()}, {Key: "$regex", Value: pattern},
	}}
}

// Parse parses a stored fight, which may have been written by another program. Unknown fields are ignored, the fields
// copied from hero and villain are not read, and strings, numbers and the location may be missing. The error is a
// *storage.RowError that names the invalid field.
func Parse(document bson.Raw) (fight.Fight, error) {
	text, _ := document.Lookup("_id").StringValueOK()
	f, err := parse(text, document)
	if err != nil {
		return f, &storage.RowError{What: "fight", ID: text, Err: err}
	}
	return f, nil
}

func parse(id string, document bson.Raw) (f fight.Fight, err error) {
	if f.ID, err = fight.ParseID(id); err != nil {
		return f, err
	}
	r := reader{document: document}
	date := r.value("fight_date")
	switch at, ok := date.TimeOK(); {
	case r.err != nil:
	case !ok:
		r.fail("fight_date", date, "a date")
	default:
		f.Date = at.UTC()
	}
	f.Winner = fight.Team(r.text("winner_team"))
	f.Hero, f.Villain = r.fighter("hero"), r.fighter("villain")
	f.Location = r.location("location")
	if r.err != nil {
		return f, r.err
	}
	return f, f.Check()
}

// reader reads the fields of a document. It keeps the first error.
type reader struct {
	within   string // the path of the enclosing field, with a trailing dot
	document bson.Raw
	err      error
}

// value returns a field. A missing field has type 0, like a null.
func (r *reader) value(field string) bson.RawValue {
	value, err := r.document.LookupErr(field)
	if err != nil && !errors.Is(err, bsoncore.ErrElementNotFound) && r.err == nil {
		r.err = fmt.Errorf("%s%s: %w", r.within, field, err)
	}
	if value.Type == bson.TypeNull {
		return bson.RawValue{}
	}
	return value
}

func (r *reader) fail(field string, value bson.RawValue, want string) {
	switch {
	case r.err != nil:
	case value.Type == 0:
		r.err = fmt.Errorf("%s%s is missing", r.within, field)
	default:
		r.err = fmt.Errorf("%s%s has the BSON type %s, it must be %s", r.within, field, value.Type, want)
	}
}

func (r *reader) text(field string) string {
	value := r.value(field)
	text, ok := value.StringValueOK()
	switch {
	case value.Type == 0:
	case !ok:
		r.fail(field, value, "a string")
	case !utf8.ValidString(text) && r.err == nil:
		r.err = fmt.Errorf("%s%s is not UTF-8", r.within, field)
	}
	return text
}

// name reads a string that must be present but may be empty.
func (r *reader) name(field string) string {
	if value := r.value(field); value.Type == 0 {
		r.fail(field, value, "a string")
	}
	return r.text(field)
}

// integer reads any number without a fraction, since JavaScript writes doubles.
func (r *reader) integer(field string, most int64) int64 {
	value := r.value(field)
	var n int64
	switch value.Type {
	case 0:
		return 0
	case bson.TypeInt32:
		n = int64(value.Int32())
	case bson.TypeInt64:
		n = value.Int64()
	case bson.TypeDouble:
		d := value.Double()
		if d != math.Trunc(d) || math.Abs(d) > 1<<53 {
			r.fail(field, value, "an integer")
			return 0
		}
		n = int64(d)
	default:
		r.fail(field, value, "an integer")
	}
	if (n > most || n < -most) && r.err == nil {
		r.err = fmt.Errorf("%s%s is %d, which is out of range", r.within, field, n)
	}
	return n
}

// part returns a reader for an embedded document, or nil if it is missing.
func (r *reader) part(field string) *reader {
	value := r.value(field)
	if value.Type == 0 {
		return nil
	}
	document, ok := value.DocumentOK()
	if !ok {
		r.fail(field, value, "a document")
	}
	return &reader{within: field + ".", document: document}
}

// done takes over the error of an embedded document's reader.
func (r *reader) done(part *reader) {
	if r.err == nil {
		r.err = part.err
	}
}

func (r *reader) fighter(field string) (c character.Character) {
	part := r.part(field)
	if part == nil {
		r.fail(field, bson.RawValue{}, "a document")
		return c
	}
	c = character.Character{
		ID: part.integer("id", math.MaxInt64), Name: part.name("name"), OtherName: part.text("otherName"),
		Level: int32(part.integer("level", math.MaxInt32)), Picture: part.text("picture"), Powers: part.text("powers"),
	}
	r.done(part)
	return c
}

func (r *reader) location(field string) *location.Location {
	part := r.part(field)
	if part == nil {
		return nil
	}
	l := location.Location{
		ID: part.integer("id", math.MaxInt64), Name: part.text("name"), Description: part.text("description"),
		Picture: part.text("picture"), Type: part.text("type"),
	}
	r.done(part)
	return &l
}
