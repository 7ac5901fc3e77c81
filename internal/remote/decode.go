package remote

import (
	"bytes"
	"math"

	"github.com/go-json-experiment/json"

	"superheroes/internal/catalog"
)

// decoder decodes an item, or an array of items. A fast path decodes the form that our own services write: no white space, fields
// in the table's order, and no escapes in strings. The JSON library decodes any other form. The fast path takes less
// than half as long as the library, and makes a quarter of the allocations.
type decoder[T catalog.Item] struct {
	fields func(*T) []any
	before []string // text before each value, such as {"id":
}

func newDecoder[T catalog.Item](table catalog.Table[T]) decoder[T] {
	d := decoder[T]{fields: table.Fields}
	for _, name := range table.Columns {
		d.before = append(d.before, `,"`+name+`":`)
	}
	d.before[0] = "{" + d.before[0][1:]
	return d
}

// isArray reports whether text starts an array.
func isArray(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("["))
}

// one decodes a single item.
func (d decoder[T]) one(text []byte) (item T, err error) {
	s := catalog.NewScanner(text)
	if d.item(&s, string(text), &item); s.Done() {
		return item, nil
	}
	var decoded T
	// Other implementations spell one field name in lowercase: othername.
	err = json.Unmarshal(text, &decoded, json.MatchCaseInsensitiveNames(true))
	return decoded, err
}

// array decodes an array of about n items.
func (d decoder[T]) array(text []byte, n int) ([]T, error) {
	items := make([]T, 0, n)
	if d.quick(text, &items) {
		return items, nil
	}
	items = items[:0]
	return items, json.Unmarshal(text, &items)
}

// quick decodes an array in our own form, up to the capacity of items, and reports whether it succeeded.
func (d decoder[T]) quick(text []byte, items *[]T) bool {
	s, whole := catalog.NewScanner(text), string(text)
	s.Literal("[")
	for more := true; more && len(*items) < cap(*items); more = s.Optional(",") {
		*items = (*items)[:len(*items)+1]
		d.item(&s, whole, &(*items)[len(*items)-1])
	}
	s.Literal("]")
	return s.Done()
}

// item decodes an item. The item's strings share the memory of whole, the text being scanned.
func (d decoder[T]) item(s *catalog.Scanner, whole string, item *T) {
	for i, field := range d.fields(item) {
		s.Literal(d.before[i])
		switch field := field.(type) {
		case *int64:
			*field = s.Integer(math.MaxInt64)
		case *int32:
			*field = int32(s.Integer(math.MaxInt32))
		case *string:
			text := s.Text()
			if text == nil {
				return
			}
			end := len(whole) - s.Left() - len(`"`)
			*field = whole[end-len(text) : end]
		}
	}
	s.Literal("}")
}
