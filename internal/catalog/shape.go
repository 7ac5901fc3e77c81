package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// FoundColumn is a column of a table as the database describes it.
type FoundColumn struct {
	Name string
	Type string // the database's name for it
	Kind ColumnKind
}

// ColumnKind classifies the type of a column, as far as a catalog cares.
type ColumnKind int

// The kinds of columns. A catalog uses no columns of any other kind.
const (
	OtherColumn ColumnKind = iota
	TextColumn
	IntegerColumn
)

// Mismatch names, in one line, every column that is missing from the found table or has an unsuitable type. It returns
// "" if there is none.
func (t Table[T]) Mismatch(found []FoundColumn) string {
	var item T
	var wrong []string
	for i, field := range t.Fields(&item) {
		name, kind, noun := t.Columns[i].Name, IntegerColumn, "an integer"
		if _, text := field.(*string); text {
			kind, noun = TextColumn, "a text"
		}
		at := slices.IndexFunc(found, func(c FoundColumn) bool { return strings.EqualFold(c.Name, name) })
		switch {
		case at < 0:
			wrong = append(wrong, fmt.Sprintf("has no column %s", name))
		case found[at].Kind != kind:
			wrong = append(wrong, fmt.Sprintf("has a column %s of type %s instead of %s", name, found[at].Type, noun))
		}
	}
	if wrong == nil {
		return ""
	}
	return fmt.Sprintf("table %s %s", t.Name, strings.Join(wrong, ", "))
}
