package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
)

func TestObject(t *testing.T) {
	text := []byte(" {\"a\": \"x\\\"}\\\\\" ,\n\"b\":-1.5e3,\"c\":{\"d\":[\"]}\",{}]},\"e\":null,\"\":[]} ")
	got := [][]byte{[]byte("left over"), nil, nil, nil, nil, nil}
	if err := Object(text, got, "none", "a", "b", "c", "e", ""); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", `"x\"}\\"`, "-1.5e3", `{"d":["]}",{}]}`, "null", "[]"} {
		if string(got[i]) != want {
			t.Errorf("field %d: got value %s, want %s", i, got[i], want)
		}
	}
}

func TestNoObject(t *testing.T) {
	for _, text := range []string{
		"", " ", "null", "[]", `"{}"`, "{", `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":}`,
		`{"a":{}`, `{"a":"}`, `{"a":"\"}`, `{}{}`, `{"a":1}x`, `{,}`, `{"a":[1}`,
	} {
		if err := Object([]byte(text), nil); !errors.Is(err, ErrNoObject) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`"a"`, `"a"`, true}, {`"a"`, `"b"`, false}, {`"é"`, `"\u00e9"`, true}, {`"\u00e9"`, `"e"`, false}, {`"a\`, `"a"`, false},
	} {
		if got := Same([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%s, %s: got %v", c.a, c.b, got)
		}
	}
}

// FuzzObject compares the scanner with encoding/json: every object that the decoder accepts must be accepted with the
// same fields, and no input may cause a panic.
func FuzzObject(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":{"b":["\\\"",{}]},"c":-1e5}`, `{"a":"`, "{\"a\" :\ttrue}", `[{"a":1}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values := make([][]byte, 1)
		err := Object(text, values, "a")
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			escaped := bytes.Contains(text, []byte(`\`)) || !utf8.Valid(text) // the decoder may have changed the names
			if err := Object(text, values, name); err != nil || !escaped && !bytes.Equal(values[0], value) {
				t.Errorf("the value of %q is %s, %v; want %s", name, values[0], err, value)
			}
		}
	})
}

func BenchmarkObject(b *testing.B) {
	text := []byte(`{"id":"01890a5d-ac96-774b-bcce-b302099a8057","fight_date":"2026-01-01T00:00:00.000Z","winner_name":"Yoda","winner_level":286000,"winner_powers":"Telekinesis, Foresight","hero":{"id":1,"name":"Yoda","otherName":"Minch Yoda","level":286000,"picture":"/api/heroes/1/picture.svg","powers":"Telekinesis, Foresight"}}`)
	values := make([][]byte, 3)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := Object(text, values, "id", "winner_name", "hero"); err != nil {
			b.Fatal(err)
		}
	}
}
