package catalog

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"superheroes/internal/storage"
)

// Table describes a catalog's table, for all engines.
type Table[T any] struct {
	Name     string
	Row      string   // the noun for a row in messages
	Sequence string   // the PostgreSQL sequence that generates ids, "" for none
	Step     int64    // the increment of the sequence; Hibernate's is 50
	Columns  []string // names as in JSON; SQL ignores their case
	// Fields returns pointers to the item's fields in the order of Columns: *int64, *int32 or *string. Reads scan into
	// these pointers, and writes store the values they point to.
	Fields func(*T) []any
}

// Key returns a pointer to the item's id.
func (t Table[T]) Key(item *T) *int64 { return t.Fields(item)[0].(*int64) }

// SelectList returns the columns for a SELECT, with NULL replaced by the zero value of the field.
func (t Table[T]) SelectList() string {
	var item T
	list := make([]string, len(t.Columns))
	for i, field := range t.Fields(&item) {
		zero := "0"
		if _, text := field.(*string); text {
			zero = "''"
		}
		list[i] = fmt.Sprintf("COALESCE(%s, %s)", t.Columns[i], zero)
	}
	list[0] = t.Columns[0] // the id is never NULL, and wrapping it in a function would prevent the use of its index
	return strings.Join(list, ", ")
}

// FoundColumn is a column of an existing table, as described by the database.
type FoundColumn struct {
	Name string
	Type string // the database's name for the type
	Kind ColumnKind
}

// ColumnKind classifies the type of a column.
type ColumnKind int

// The kinds of columns. A catalog only uses text and integer columns.
const (
	OtherColumn ColumnKind = iota
	TextColumn
	IntegerColumn
)

// CheckColumns returns a storage.ErrSchema that names, in one line, every column that is missing from the found table
// or has an unsuitable type.
func (t Table[T]) CheckColumns(found []FoundColumn) error {
	var item T
	var wrong []string
	for i, field := range t.Fields(&item) {
		name, kind, noun := t.Columns[i], IntegerColumn, "an integer"
		if _, text := field.(*string); text {
			kind, noun = TextColumn, "text"
		}
		at := slices.IndexFunc(found, func(c FoundColumn) bool { return strings.EqualFold(c.Name, name) })
		switch {
		case at < 0:
			wrong = append(wrong, "has no column "+name)
		case found[at].Kind != kind:
			wrong = append(wrong, fmt.Sprintf("has a column %s of type %s instead of %s", name, found[at].Type, noun))
		}
	}
	if wrong == nil {
		return nil
	}
	return storage.Errorf(storage.ErrSchema, "table %s %s", t.Name, strings.Join(wrong, ", "))
}

// Set parses value and stores it in the column's field.
func (t Table[T]) Set(item *T, column, value string) error {
	switch field := t.field(item, column).(type) {
	case *string:
		*field = value
	case *int64:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not an integer", clip(value))
		}
		*field = n
	case *int32:
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is not a 32-bit integer", clip(value))
		}
		*field = int32(n)
	default:
		return fmt.Errorf("there is no column %q", clip(column))
	}
	return nil
}

// Value formats the column's field as a string.
func (t Table[T]) Value(item T, column string) string {
	switch field := t.field(&item, column).(type) {
	case *string:
		return *field
	case *int64:
		return strconv.FormatInt(*field, 10)
	case *int32:
		return strconv.FormatInt(int64(*field), 10)
	}
	return ""
}

func (t Table[T]) field(item *T, column string) any {
	i := slices.IndexFunc(t.Columns, func(name string) bool { return strings.EqualFold(name, column) })
	if i < 0 {
		return nil
	}
	return t.Fields(item)[i]
}

// clip truncates long values to keep messages readable.
func clip(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// CheckText calls refuse if a string doesn't have between low and high code points, isn't valid UTF-8, or contains a
// NUL character, which PostgreSQL can't store. If high is 0, there is no upper limit.
func CheckText(refuse func(field, message string), field, text string, low, high int) {
	n := utf8.RuneCountInString(text)
	switch {
	case !utf8.ValidString(text):
		refuse(field, "is not valid UTF-8")
	case strings.IndexByte(text, 0) >= 0:
		refuse(field, "has a NUL character")
	case n == 0 && low > 0:
		refuse(field, "is missing or empty")
	case n < low || high > 0 && n > high:
		refuse(field, fmt.Sprintf("must have %d to %d characters, not %d", low, high, n))
	}
}

// Sequence assigns ids to items without one, like the sequences of the sample applications: 1, 1+Step, 1+2·Step, …,
// always greater than all ids seen so far.
type Sequence struct {
	Highest int64 // highest id assigned or seen so far, 0 for none
	Step    int64
}

// Give returns id, or the next id in the sequence if id is 0. It fails with ErrNoID.
func (s *Sequence) Give(id int64) (int64, error) {
	switch {
	case id != 0:
	case s.Highest == 0:
		id = 1
	case s.Highest > math.MaxInt64-s.Step:
		return 0, ErrNoID
	default:
		id = s.Highest + s.Step
	}
	s.Highest = max(s.Highest, id)
	return id, nil
}
