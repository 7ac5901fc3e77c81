package exchange_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"superheroes/internal/character"
	"superheroes/internal/exchange"
)

type hero = character.Character

func heroes() exchange.Schema[hero] {
	table := character.Heroes().Table
	return exchange.Schema[hero]{
		Table:   table.Name,
		Columns: table.Names(),
		Set:     table.Set,
		Get:     table.Value,
		Decode: func(line []byte) (h hero, err error) {
			return h, json.Unmarshal(line, &h, json.RejectUnknownMembers(true))
		},
		AppendJSON: func(dst []byte, h hero) []byte { return h.AppendJSON(dst) },
	}
}

func mysqlHeroes() exchange.Schema[hero] {
	s := heroes()
	s.MySQL = true
	return s
}

// listing reads a file and formats each row as one line, for comparison in tests.
func listing(r io.Reader, f exchange.Format, s exchange.Schema[hero]) string {
	var out strings.Builder
	for row, err := range exchange.Read(r, f, s) {
		switch {
		case err != nil:
			fmt.Fprintf(&out, "END %v\n", err)
		case row.Err != nil:
			fmt.Fprintf(&out, "%d REFUSED %v\n", row.Line, row.Err)
		default:
			fmt.Fprintf(&out, "%d %s\n", row.Line, describe(row))
		}
	}
	return out.String()
}

func describe(row exchange.Row[hero]) string {
	var b strings.Builder
	if row.Item.ID == 0 {
		b.WriteString("next")
	} else {
		fmt.Fprintf(&b, "id=%d", row.Item.ID)
	}
	for _, column := range heroes().Columns[1:] {
		if text := heroes().Get(row.Item, column); text != "" && text != "0" {
			fmt.Fprintf(&b, " %s=%q", column, text)
		}
	}
	return b.String()
}

// readCase is a file and the expected listing of its rows.
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
				t.Errorf("read of\n%s\ngot\n%swant\n%s", c.input, got, want)
			}
		})
	}
}
