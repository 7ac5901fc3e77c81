package catalog_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"superheroes/internal/catalog"
)

func entries() catalog.Table[entry] {
	return catalog.Table[entry]{
		Name:    "entry",
		Columns: []catalog.Column{{Name: "id", Zero: "0"}, {Name: "otherName", Zero: "''"}, {Name: "level", Zero: "0"}},
		Fields:  func(e *entry) []any { return []any{&e.id, &e.name, &e.level} },
	}
}

func TestTableSelectList(t *testing.T) {
	if got, want := entries().SelectList(), "id, COALESCE(otherName, ''), COALESCE(level, 0)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTableSet(t *testing.T) {
	for _, c := range []struct {
		name          string
		column, value string
		want          entry
		wantErr       string // a part of it
	}{
		{"string", "otherName", " as it is\x00\xff", entry{name: " as it is\x00\xff"}, ""},
		{"a column in another case", "OTHERNAME", "x", entry{name: "x"}, ""},
		{"largest id", "id", "9223372036854775807", entry{id: 1<<63 - 1}, ""},
		{"id too large", "id", "9223372036854775808", entry{}, "not an integer"},
		{"largest level", "level", "2147483647", entry{level: 1<<31 - 1}, ""},
		{"level too large", "level", "2147483648", entry{}, "32 bits"},
		{"negative", "level", "-1", entry{level: -1}, ""},
		{"fraction", "level", "5.0", entry{}, "not an integer"},
		{"exponent", "level", "1e3", entry{}, "not an integer"},
		{"hexadecimal", "level", "0x10", entry{}, "not an integer"},
		{"underscore", "level", "1_000", entry{}, "not an integer"},
		{"blank", "level", " 5", entry{}, "not an integer"},
		{"nothing", "id", "", entry{}, "not an integer"},
		{"unknown column", "powers", "x", entry{}, "no column"},
		{"no column", "", "x", entry{}, "no column"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got entry
			err := entries().Set(&got, c.column, c.value)
			if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("got the error %v, want %q in it", err, c.wantErr)
			}
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestTableErrorsAreShort checks that a message quotes only the beginning of a value and doesn't cut a letter in two.
func TestTableErrorsAreShort(t *testing.T) {
	for _, value := range []string{strings.Repeat("x", 1000), strings.Repeat("é", 1000), "x" + strings.Repeat("🦸", 1000)} {
		var item entry
		err := entries().Set(&item, "level", value)
		if err == nil || len(err.Error()) > 100 || !utf8.ValidString(err.Error()) || strings.Contains(err.Error(), `\x`) {
			t.Errorf("the error is %v", err)
		}
	}
}

// TestTableInverse checks that Set is the inverse of Value.
func TestTableInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := entry{id: rapid.Int64().Draw(t, "id"), level: rapid.Int32().Draw(t, "level"), name: rapid.String().Draw(t, "name")}
		var got entry
		for _, column := range entries().Names() {
			if err := entries().Set(&got, column, entries().Value(want, column)); err != nil {
				t.Fatal(err)
			}
		}
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestTableValueOfNoColumn(t *testing.T) {
	if got := entries().Value(entry{id: 1}, "powers"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestCheckText(t *testing.T) {
	for _, c := range []struct {
		name      string
		text      string
		low, high int
		want      string // the message, "" for none
	}{
		{"shortest", "a", 1, 50, ""},
		{"empty", "", 1, 50, "is missing or empty"},
		{"empty where that is allowed", "", 0, 50, ""},
		{"a blank counts as a letter", " ", 1, 50, ""},
		{"longest, in code points", strings.Repeat("🦸", 50), 1, 50, ""},
		{"too long", strings.Repeat("é", 51), 1, 50, "must have 1 to 50 characters, not 51"},
		{"combining marks count", strings.Repeat("e\u0301", 26), 1, 50, "must have 1 to 50 characters, not 52"},
		{"without a limit", strings.Repeat("x", 100_000), 0, 0, ""},
		{"invalid UTF-8", "a\xff", 1, 50, "is not valid UTF-8"},
		{"a lone surrogate", "\xed\xa0\x80", 1, 50, "is not valid UTF-8"},
		{"NUL", "a\x00", 1, 50, "has a NUL character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			catalog.CheckText(func(field, message string) { got = append(got, field+" "+message) }, "name", c.text, c.low, c.high)
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0] != "name "+c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
