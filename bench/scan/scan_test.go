package scan

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

// fields returns the fields that Object finds, by name.
func fields(text string) (map[string]string, error) {
	found := map[string]string{}
	err := Object([]byte(text), func(name, value []byte) error {
		found[string(name)] = string(value)
		return nil
	})
	return found, err
}

func TestObject(t *testing.T) {
	got, err := fields(" {\"a\": \"x\\\"}\\\\\" ,\n\"b\":-1.5e3,\"c\":{\"d\":[\"]}\",{}]},\"e\":null,\"\":[]} ")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"a": `"x\"}\\"`, "b": "-1.5e3", "c": `{"d":["]}",{}]}`, "e": "null", "": "[]"}
	if len(got) != len(want) {
		t.Errorf("got %q", got)
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%q: got %s, want %s", name, got[name], value)
		}
	}
}

func TestNoObject(t *testing.T) {
	for _, text := range []string{
		"", " ", "null", "[]", `"{}"`, "{", `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":}`,
		`{"a":{}`, `{"a":"}`, `{"a":"\"}`, `{}{}`, `{"a":1}x`, `{,}`, `{"a":[1}`,
	} {
		if got, err := fields(text); !errors.Is(err, ErrNoObject) {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
}

func TestAnErrorOfAFieldEndsTheWalk(t *testing.T) {
	stop, calls := errors.New("stop"), 0
	err := Object([]byte(`{"a":1,"b":2}`), func(_, _ []byte) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestElements(t *testing.T) {
	for _, c := range []struct {
		text, last string
		count      int
	}{
		{"[]", "", 0}, {" [ ] ", "", 0}, {"[1]", "1", 1}, {`[{"a":[1,2]}, {"b":"]"}]`, `{"b":"]"}`, 2},
		{"{}", "", -1}, {"", "", -1}, {"[1", "", -1}, {"[1,]", "", -1}, {"[1]x", "", -1}, {"[", "", -1},
	} {
		count, last := Elements([]byte(c.text))
		if count != c.count || string(last) != c.last {
			t.Errorf("%s: got %d, %s; want %d, %s", c.text, count, last, c.count, c.last)
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

// FuzzObject compares the scanner with encoding/json: every object that the decoder accepts must be accepted with the same
// fields, and no input may cause a panic.
func FuzzObject(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":{"b":["\\\"",{}]},"c":-1e5}`, `{"a":"`, "{\"a\" :\ttrue}", `[{"a":1}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		count, _ := Elements(text)
		var list []json.RawMessage
		if json.Unmarshal(text, &list) == nil && list != nil && count != len(list) {
			t.Errorf("%d elements, want %d", count, len(list))
		}
		var values []json.RawMessage
		err := Object(text, func(_, value []byte) error {
			values = append(values, value)
			return nil
		})
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		if err != nil || len(values) < len(want) {
			t.Fatalf("%d fields, %v; want %d", len(values), err, len(want))
		}
		for name, value := range want {
			found := false
			for _, have := range values {
				found = found || bytes.Equal(have, value)
			}
			if !found {
				t.Errorf("the value of %q is missing", name)
			}
		}
	})
}

func BenchmarkObject(b *testing.B) {
	text := []byte(`{"id":"01890a5d-ac96-774b-bcce-b302099a8057","fight_date":"2026-01-01T00:00:00.000Z","winner_name":"Yoda","winner_level":286000,"winner_powers":"Telekinesis, Foresight","hero":{"id":1,"name":"Yoda","otherName":"Minch Yoda","level":286000,"picture":"/api/heroes/1/picture.svg","powers":"Telekinesis, Foresight"}}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := Object(text, func(_, _ []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
