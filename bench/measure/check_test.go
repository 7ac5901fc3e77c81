package measure

import (
	"errors"
	"testing"
)

const goodFight = `{"id":"f1","winner_name":"Th\u00e1nos","winner_level":7,"winner_team":"villains","loser_name":"Yoda","loser_level":7,` +
	`"loser_team":"heroes","hero":{"id":1,"name":"Yoda","level":7},"villain":{"id":2,"name":"Thános","level":7},"location":{"name":"Gotham City"}}`

// TestReadFight covers cases that TestVoid doesn't: fights with only the common fields, and fighters' names with
// different escapes.
func TestReadFight(t *testing.T) {
	const common = `{"id":3,"winner_name":"a","winner_level":2,"winner_team":"heroes","loser_name":"b","loser_level":1,"loser_team":"villains"`
	const hero = `{"hero":{"id":1,"name":"Yoda","level":7},`
	for _, c := range []struct {
		name, fight, sent string
		good              bool
	}{
		{"a fight with all fields and differently escaped names", goodFight, "", true},
		{"only the common fields", common + "}", "", true},
		{"no location", common + `,"location":null}`, "", true},
		{"the fighters and location sent in the request", goodFight, hero + `"villain":{"id":2,"name":"Th\u00e1nos","level":7},"location":{"name":"Gotham City"}}`, true},
		{"a request without a location", goodFight, hero + `"villain":{"id":2,"name":"Thános","level":7}}`, true},
		{"a request with a different level", goodFight, hero + `"villain":{"id":2,"name":"Thános","level":8}}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var sent *pair
			if c.sent != "" {
				p, err := readFighters([]byte(c.sent))
				if err != nil {
					t.Fatal(err)
				}
				sent = &p
			}
			if _, _, err := readFight([]byte(c.fight), sent, dialects()[0]); (err == nil) != c.good || err != nil && !errors.Is(err, errWrong) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheckEntries(t *testing.T) {
	for _, text := range []string{`[]`, `{}`, `{"id":1,"name":"","level":1}`, `{"id":1,"name":"a"}`, `{"id":1,"name":"a","level":1.5}`, `{"id":1,"name":"FALLBACK hero","level":1}`} {
		if err := checkCharacter([]byte(text)); !errors.Is(err, errWrong) {
			t.Errorf("character %s: %v", text, err)
		}
	}
	if err := checkCharacter([]byte(`{"name":"a","level":1}`)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{`null`, `{}`, `{"name":7}`, `{"name":"Fallback"}`} {
		if err := checkLocation([]byte(text)); !errors.Is(err, errWrong) {
			t.Errorf("location %s: %v", text, err)
		}
	}
}

// BenchmarkReadFight measures how long the load generator takes to check a response.
func BenchmarkReadFight(b *testing.B) {
	text, snake := []byte(goodFight), dialects()[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := readFight(text, nil, snake); err != nil {
			b.Fatal(err)
		}
	}
}
