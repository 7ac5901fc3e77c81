package remote

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"superheroes/internal/catalog"
)

// decoder decodes an array of items. It has a fast path for the form that our own services write, in less than half
// of the time and with a quarter of the allocations of the JSON library: one line per item, fields in the table's
// order, strings without escapes. The library decodes anything else.
type decoder[T catalog.Item] struct {
	fields func(*T) []any
	before []string // what precedes each field: {"id": and so on
}

func newDecoder[T catalog.Item](table catalog.Table[T]) decoder[T] {
	d := decoder[T]{fields: table.Fields}
	for i, name := range table.Names() {
		d.before = append(d.before, `,"`+name+`":`)
		if i == 0 {
			d.before[0] = `{"` + name + `":`
		}
	}
	return d
}

// isArray reports whether text starts an array.
func isArray(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == '['
}

// array decodes an array of about n items.
func (d decoder[T]) array(text []byte, n int) ([]T, error) {
	items := make([]T, 0, n)
	if rest, ok := d.quick(string(text), &items); ok && rest == "" {
		return items, nil
	}
	items = items[:0]
	return items, json.Unmarshal(text, &items)
}

// quick decodes an array in our own form. The items' strings share the memory of text.
func (d decoder[T]) quick(text string, items *[]T) (rest string, ok bool) {
	if text, ok = strings.CutPrefix(text, "["); !ok {
		return text, false
	}
	for len(*items) < cap(*items) {
		*items = (*items)[:len(*items)+1]
		if text, ok = d.item(text, &(*items)[len(*items)-1]); !ok {
			return text, false
		}
		if text, ok = strings.CutPrefix(text, ","); !ok {
			return strings.CutPrefix(text, "]")
		}
	}
	return text, false
}

func (d decoder[T]) item(text string, item *T) (rest string, ok bool) {
	for i, field := range d.fields(item) {
		if text, ok = strings.CutPrefix(text, d.before[i]); !ok {
			return text, false
		}
		switch field := field.(type) {
		case *string:
			*field, text, ok = quickText(text)
		case *int64:
			*field, text, ok = quickInteger(text, 64)
		case *int32:
			var n int64
			n, text, ok = quickInteger(text, 32)
			*field = int32(n)
		default:
			ok = false
		}
		if !ok {
			return text, false
		}
	}
	return strings.CutPrefix(text, "}")
}

// quickText decodes a JSON string without escapes.
func quickText(text string) (value, rest string, ok bool) {
	if text, ok = strings.CutPrefix(text, `"`); !ok {
		return "", text, false
	}
	end := strings.IndexByte(text, '"')
	if end < 0 {
		return "", text, false
	}
	value, rest = text[:end], text[end+1:]
	return value, rest, strings.IndexByte(value, '\\') < 0 && !hasControl(value) && utf8.ValidString(value)
}

func hasControl(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' {
			return true
		}
	}
	return false
}

// quickInteger decodes a non-negative integer of the given size.
func quickInteger(text string, bits int) (n int64, rest string, ok bool) {
	end := 0
	for end < len(text) && '0' <= text[end] && text[end] <= '9' {
		end++
	}
	if end > 1 && text[0] == '0' {
		return 0, text, false
	}
	n, err := strconv.ParseInt(text[:end], 10, bits)
	return n, text[end:], err == nil
}
