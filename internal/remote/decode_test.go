package remote

import (
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// The decoder gives the same results as the JSON library, but doesn't call the library for the form that our services
// write.
func TestDecode(t *testing.T) {
	good := `{"id":1,"name":"Yoda","otherName":"","level":9,"picture":"/é","powers":"a, b"}`
	for _, c := range []struct {
		name, text string
		quick      bool
	}{
		{"one", "[" + good + "]", true},
		{"two", "[" + good + "," + good + "]", true},
		{"as many as requested", string(arrayOf(3)), true},
		{"more than requested", string(arrayOf(4)), false},
		{"none", "[]", false},
		{"blanks", "[ " + good + " ]", false},
		{"a trailing line feed", "[" + good + "]\n", false},
		{"a trailing comma", "[" + good + ",]", false},
		{"an unterminated array", "[" + good, false},
		{"trailing data", "[" + good + "][]", false},
		{"another order", `[{"name":"Yoda","id":1}]`, false},
		{"a field missing", `[{"id":1,"name":"Yoda","otherName":"","level":9,"picture":""}]`, false},
		{"a field too many", `[{"id":1,"name":"Yoda","otherName":"","level":9,"picture":"","powers":"","side":"light"}]`, false},
		{"a field twice", `[{"id":1,"name":"Yoda","name":"Yoda","otherName":"","level":9,"picture":"","powers":""}]`, false},
		{"an escape", `[{"id":1,"name":"Yo\"da","otherName":"","level":9,"picture":"","powers":""}]`, false},
		{"a line break within a string", "[{\"id\":1,\"name\":\"Yo\nda\",\"otherName\":\"\",\"level\":9,\"picture\":\"\",\"powers\":\"\"}]", false},
		{"invalid UTF-8", "[{\"id\":1,\"name\":\"Yo\xffda\",\"otherName\":\"\",\"level\":9,\"picture\":\"\",\"powers\":\"\"}]", false},
		{"null", `[{"id":null,"name":null,"otherName":"","level":9,"picture":"","powers":""}]`, false},
		{"a negative number", `[{"id":-1,"name":"Yoda","otherName":"","level":9,"picture":"","powers":""}]`, false},
		{"a leading zero", `[{"id":01,"name":"Yoda","otherName":"","level":9,"picture":"","powers":""}]`, false},
		{"zero", `[{"id":0,"name":"Yoda","otherName":"","level":0,"picture":"","powers":""}]`, true},
		{"a fraction", `[{"id":1.0,"name":"Yoda","otherName":"","level":9,"picture":"","powers":""}]`, false},
		{"no number", `[{"id":,"name":"Yoda","otherName":"","level":9,"picture":"","powers":""}]`, false},
		{"a level wider than 32 bits", `[{"id":1,"name":"Yoda","otherName":"","level":2147483648,"picture":"","powers":""}]`, false},
		{"the largest id", `[{"id":9223372036854775807,"name":"Yoda","otherName":"","level":9,"picture":"","powers":""}]`, true},
		{"an id wider than 64 bits", `[{"id":9223372036854775808,"name":"Yoda","otherName":"","level":9,"picture":"","powers":""}]`, false},
		{"an unterminated string", `[{"id":1,"name":"Yoda`, false},
		{"empty input", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if quick := sameAsTheLibrary(t, c.text); quick != c.quick {
				t.Errorf("took the fast path: %t, want %t", quick, c.quick)
			}
		})
	}
}

// sameAsTheLibrary checks that the decoder and the JSON library decode up to three heroes identically, and reports
// whether the decoder took the fast path.
func sameAsTheLibrary(t interface{ Errorf(string, ...any) }, text string) (quick bool) {
	decoder := newDecoder(character.Heroes().Table)
	var want []character.Character
	wantErr := json.Unmarshal([]byte(text), &want)
	got, err := decoder.array([]byte(text), 3)
	if (err == nil) != (wantErr == nil) || err == nil && cmp.Diff(want, got) != "" {
		t.Errorf("decoding %q: got %v and %v, want %v and %v", text, got, err, want, wantErr)
	}
	items := make([]character.Character, 0, 3)
	quick = decoder.quick([]byte(text), &items)
	if one, isOne := strings.CutSuffix(strings.TrimPrefix(text, "["), "]"); isOne {
		var wanted character.Character
		wantErr := json.Unmarshal([]byte(one), &wanted, json.MatchCaseInsensitiveNames(true))
		if got, err := decoder.one([]byte(one)); (err == nil) != (wantErr == nil) || err == nil && got != wanted {
			t.Errorf("decoding %q: got %v and %v, want %v and %v", one, got, err, wanted, wantErr)
		}
	}
	return quick
}

// Everything that a catalog serves is decoded correctly, and corrupted data is decoded in the same way as by the JSON
// library.
func TestDecodeAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hero := character.Character{
			ID: rapid.Int64Min(1).Draw(t, "id"), Name: rapid.String().Draw(t, "name"), OtherName: rapid.String().Draw(t, "otherName"),
			Level: rapid.Int32Min(0).Draw(t, "level"), Picture: rapid.String().Draw(t, "picture"), Powers: rapid.String().Draw(t, "powers"),
		}
		text := append(hero.AppendJSON([]byte{'['}), ']')
		got, err := newDecoder(character.Heroes().Table).array(text, 1)
		if len(got) != 1 || got[0] != hero || err != nil {
			t.Fatalf("got %v and %v, want %v", got, err, hero)
		}
		spoilt := append([]byte(nil), text...)
		spoilt[rapid.IntRange(0, len(text)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		sameAsTheLibrary(t, string(spoilt))
	})
}

func TestDecodeLocations(t *testing.T) {
	want, decoder := location.Locations().Example, newDecoder(location.Locations().Table)
	items := make([]location.Location, 0, 1)
	ok := decoder.quick(append(want.AppendJSON([]byte{'['}), ']'), &items)
	if !ok || len(items) != 1 || items[0] != want {
		t.Errorf("got %v and %t", items, ok)
	}
	if item, err := decoder.one(want.AppendJSON(nil)); item != want || err != nil {
		t.Errorf("got %v and %v", item, err)
	}
}

func arrayOf(n int) []byte {
	text := []byte("[")
	for i := range n {
		if len(text) > 1 {
			text = append(text, ',')
		}
		hero, tail := character.Heroes().Example, strconv.Itoa(i)
		hero.ID, hero.Name, hero.OtherName, hero.Picture = int64(1+50*i), hero.Name+tail, hero.OtherName+tail, "/api/heroes/"+tail+"/picture.svg"
		hero.Powers += tail
		text = hero.AppendJSON(text)
	}
	return append(text, ']')
}

// BenchmarkDecode decodes a full batch with the decoder and, for comparison, with the JSON library.
func BenchmarkDecode(b *testing.B) {
	text := arrayOf(128)
	b.Run("ours", func(b *testing.B) {
		decoder := newDecoder(character.Heroes().Table)
		b.ReportAllocs()
		for b.Loop() {
			if items, err := decoder.array(text, 128); len(items) != 128 || err != nil {
				b.Fatal(len(items), err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var items []character.Character
			if err := json.Unmarshal(text, &items); len(items) != 128 || err != nil {
				b.Fatal(len(items), err)
			}
		}
	})
}
