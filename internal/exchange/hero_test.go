package exchange_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/exchange"
)

type hero = character.Character

func heroes() exchange.Schema[hero] { return schema(character.Heroes()) }

// schema returns the program's schema for a catalog's items, but without limits on the fields.
func schema[T catalog.Item](kind catalog.Kind[T]) exchange.Schema[T] {
	return exchange.Schema[T]{
		Table:   kind.Table.Name,
		Columns: kind.Table.Columns,
		Set:     kind.Table.Set,
		Get:     kind.Table.Value,
		Decode: func(line []byte) (item T, err error) {
			return item, json.Unmarshal(line, &item, json.RejectUnknownMembers(true))
		},
		AppendJSON: func(dst []byte, item T) []byte { return item.AppendJSON(dst) },
	}
}

func mysqlHeroes() exchange.Schema[hero] {
	s := heroes()
	s.MySQL = true
	return s
}

// listing reads a file and returns one line per row, for comparison in tests.
func listing[T catalog.Item](r io.Reader, f exchange.Format, s exchange.Schema[T]) string {
	var out strings.Builder
	for row, err := range exchange.Read(r, f, s) {
		switch {
		case err != nil:
			fmt.Fprintf(&out, "END %v\n", err)
		case row.Err != nil:
			fmt.Fprintf(&out, "%d REFUSED %v\n", row.Line, row.Err)
		default:
			fmt.Fprintf(&out, "%d %s\n", row.Line, describe(row.Item, s))
		}
	}
	return out.String()
}

func describe[T catalog.Item](item T, s exchange.Schema[T]) string {
	described := "next"
	if item.Key() != 0 {
		described = fmt.Sprintf("id=%d", item.Key())
	}
	for _, column := range s.Columns[1:] {
		if text := s.Get(item, column); text != "" && text != "0" {
			described += fmt.Sprintf(" %s=%q", column, text)
		}
	}
	return described
}

// readCase is an input file and the expected listing of its rows.
type readCase struct {
	name  string
	input string
	want  []string
}

func runReadCases(t *testing.T, f exchange.Format, s exchange.Schema[hero], cases []readCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := listing(strings.NewReader(c.input), f, s)
			want := strings.Join(c.want, "\n")
			if want != "" {
				want += "\n"
			}
			if got != want {
				t.Errorf("reading\n%s\ngot\n%swant\n%s", c.input, got, want)
			}
		})
	}
}
