package measure

import (
	"errors"
	"testing"
)

const goodFight = `{"id":"f1","winner_name":"Th\u00e1nos","winner_level":7,"winner_team":"villains","loser_name":"Yoda","loser_level":7,` +
	`"loser_team":"heroes","hero":{"id":1,"name":"Yoda","level":7},"villain":{"id":2,"name":"Thános","level":7},"location":{"name":"Gotham City"}}`

func TestCheckFightTakesWhatEveryMemberAnswers(t *testing.T) {
	for name, text := range map[string]string{
		"all of it, in two spellings": goodFight,
		"only the common fields":      `{"id":3,"winner_name":"a","winner_level":2,"winner_team":"heroes","loser_name":"b","loser_level":1,"loser_team":"villains"}`,
		"no location":                 `{"id":3,"location":null,"winner_name":"a","winner_level":2,"winner_team":"heroes","loser_name":"b","loser_level":1,"loser_team":"villains"}`,
	} {
		if _, err := checkFight([]byte(text), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckFightComparesWithWhatWasSent(t *testing.T) {
	sent := func(text string) *pair {
		p, err := readFighters([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return &p
	}
	for _, c := range []struct {
		name, sent string
		good       bool
	}{
		{"the same", `{"hero":{"id":1,"name":"Yoda","level":7},"villain":{"id":2,"name":"Th\u00e1nos","level":7},"location":{"name":"Gotham City"}}`, true},
		{"no location", `{"hero":{"id":1,"name":"Yoda","level":7},"villain":{"id":2,"name":"Thános","level":7}}`, true},
		{"another hero", `{"hero":{"id":1,"name":"Yodo","level":7},"villain":{"id":2,"name":"Thános","level":7}}`, false},
		{"another level", `{"hero":{"id":1,"name":"Yoda","level":7},"villain":{"id":2,"name":"Thános","level":8}}`, false},
		{"another location", `{"hero":{"id":1,"name":"Yoda","level":7},"villain":{"id":2,"name":"Thános","level":7},"location":{"name":"Titan"}}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := checkFight([]byte(goodFight), sent(c.sent)); (err == nil) != c.good || err != nil && !errors.Is(err, errWrong) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestCheckEntries(t *testing.T) {
	for _, text := range []string{`[]`, `{}`, `{"id":1,"name":"","level":1}`, `{"id":1,"name":"a"}`, `{"name":"a","level":1}`, `{"id":1,"name":"a","level":1.5}`, `{"id":1,"name":"FALLBACK hero","level":1}`} {
		if err := checkCharacter([]byte(text)); !errors.Is(err, errWrong) {
			t.Errorf("character %s: %v", text, err)
		}
	}
	if err := checkCharacter([]byte(`{"id":1,"name":"a","level":1}`)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{`null`, `{}`, `{"name":7}`, `{"name":"Fallback"}`} {
		if err := checkLocation([]byte(text)); !errors.Is(err, errWrong) {
			t.Errorf("location %s: %v", text, err)
		}
	}
}

// BenchmarkCheckFight measures what checking a response costs the generator.
func BenchmarkCheckFight(b *testing.B) {
	text := []byte(goodFight)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := checkFight(text, nil); err != nil {
			b.Fatal(err)
		}
	}
}
