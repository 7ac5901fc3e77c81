package catalog_test

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"superheroes/internal/catalog"
)

func entries() catalog.Table[entry] {
	return catalog.Table[entry]{
		Name:    "entry",
		Columns: []string{"id", "otherName", "level"},
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
		{"a column name in a different case", "OTHERNAME", "x", entry{name: "x"}, ""},
		{"largest id", "id", "9223372036854775807", entry{id: 1<<63 - 1}, ""},
		{"id too large", "id", "9223372036854775808", entry{}, "not an integer"},
		{"largest level", "level", "2147483647", entry{level: 1<<31 - 1}, ""},
		{"level too large", "level", "2147483648", entry{}, "not a 32-bit integer"},
		{"exponent", "level", "1e3", entry{}, "not a 32-bit integer"},
		{"nothing", "id", "", entry{}, "not an integer"},
		{"unknown column", "powers", "x", entry{}, "no column"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got entry
			err := entries().Set(&got, c.column, c.value)
			if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
				t.Errorf("got the error %v, want it to contain %q", err, c.wantErr)
			}
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestTableErrorsAreShort checks that a message quotes only the beginning of a value and never splits a character.
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
		for _, column := range entries().Columns {
			if err := entries().Set(&got, column, entries().Value(want, column)); err != nil {
				t.Fatal(err)
			}
		}
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestCheckText(t *testing.T) {
	for _, c := range []struct {
		name      string
		text      string
		low, high int
		want      string // the error message, "" for no error
	}{
		{"shortest", "a", 1, 50, ""},
		{"empty", "", 1, 50, "is missing or empty"},
		{"empty where allowed", "", 0, 50, ""},
		{"longest, in code points", strings.Repeat("🦸", 50), 1, 50, ""},
		{"too long", strings.Repeat("é", 51), 1, 50, "must have 1 to 50 characters, not 51"},
		{"without a limit", strings.Repeat("x", 100_000), 0, 0, ""},
		{"invalid UTF-8", "a\xff", 1, 50, "is not valid UTF-8"},
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

func TestSequence(t *testing.T) {
	for _, c := range []struct {
		name     string
		sequence catalog.Sequence
		give     []int64 // 0 for the next
		want     []int64 // 0 for none left
	}{
		{"from the beginning", catalog.Sequence{Step: 50}, []int64{0, 0, 0}, []int64{1, 51, 101}},
		{"step of one", catalog.Sequence{Step: 1}, []int64{0, 0, 0}, []int64{1, 2, 3}},
		{"above the highest", catalog.Sequence{Step: 50, Highest: 7}, []int64{0, 0}, []int64{57, 107}},
		{"above an explicit id", catalog.Sequence{Step: 50}, []int64{0, 1000, 0}, []int64{1, 1000, 1050}},
		{"a lower id doesn't affect the next id", catalog.Sequence{Step: 50, Highest: 500}, []int64{3, 0}, []int64{3, 550}},
		{"up to the last", catalog.Sequence{Step: 50, Highest: math.MaxInt64 - 50}, []int64{0, 0}, []int64{math.MaxInt64, 0}},
		{"none left", catalog.Sequence{Step: 50, Highest: math.MaxInt64 - 49}, []int64{0, 5, 0}, []int64{0, 5, 0}},
		{"the largest id", catalog.Sequence{Step: 1}, []int64{math.MaxInt64, 0}, []int64{math.MaxInt64, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for i, id := range c.give {
				got, err := c.sequence.Give(id)
				if got != c.want[i] || (err != nil) != (c.want[i] == 0) {
					t.Errorf("id %d of %v: got %d and %v, want %d", i, c.give, got, err, c.want[i])
				}
			}
		})
	}
}
