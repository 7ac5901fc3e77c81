package exchange_test

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"superheroes/internal/exchange"

	"github.com/go-json-experiment/json"
)

// hero is the item of the tests, with a number and strings like the real ones.
type hero struct {
	ID        int64  `json:"id,omitzero"`
	Name      string `json:"name"`
	OtherName string `json:"otherName"`
	Level     int64  `json:"level"`
	Picture   string `json:"picture"`
	Powers    string `json:"powers"`
}

func heroes() exchange.Schema[hero] {
	return exchange.Schema[hero]{
		Table:      "hero",
		Columns:    []string{"id", "name", "otherName", "level", "picture", "powers"},
		Set:        setHero,
		Get:        getHero,
		Decode:     decodeHero,
		AppendJSON: appendHero,
	}
}

func mysqlHeroes() exchange.Schema[hero] {
	s := heroes()
	s.MySQL = true
	return s
}

func setHero(h *hero, column, text string) (err error) {
	switch column {
	case "id":
		h.ID, err = strconv.ParseInt(text, 10, 64)
	case "level":
		h.Level, err = strconv.ParseInt(text, 10, 64)
	case "name":
		h.Name = text
	case "otherName":
		h.OtherName = text
	case "picture":
		h.Picture = text
	case "powers":
		h.Powers = text
	default:
		panic("column " + column)
	}
	if err != nil {
		return fmt.Errorf("%q is not an integer", text)
	}
	return nil
}

func getHero(h hero, column string) string {
	switch column {
	case "id":
		return strconv.FormatInt(h.ID, 10)
	case "level":
		return strconv.FormatInt(h.Level, 10)
	case "name":
		return h.Name
	case "otherName":
		return h.OtherName
	case "picture":
		return h.Picture
	case "powers":
		return h.Powers
	}
	panic("column " + column)
}

func decodeHero(line []byte) (h hero, err error) {
	return h, json.Unmarshal(line, &h, json.RejectUnknownMembers(true))
}

func appendHero(dst []byte, h hero) []byte {
	encoded, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	return append(dst, encoded...)
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
		if text := getHero(row.Item, column); text != "" && text != "0" {
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
