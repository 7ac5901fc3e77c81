package fight

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// decided is a fight with these names and texts.
func decided(winner, power, place, description string) Fight {
	at := time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)
	hero := character.Character{ID: 1, Name: winner, Level: 2, Powers: power, Picture: power, OtherName: power}
	villain := character.Character{ID: 2, Name: "V " + winner, Level: 1, Powers: power, Picture: power, OtherName: power}
	f := Decide(NewIDs(ID{}).Next(at), at, hero, villain, nil)
	if place != "" {
		f.Location = &location.Location{ID: 3, Name: place, Description: description, Picture: description}
	}
	return f
}

const misleading = `"},"location":{"id":1,"name":"x"},"winner_team":"villains","location":null}`

func TestParseOutcome(t *testing.T) {
	for name, f := range map[string]Fight{
		"plain":                          decided("Yoda", "force", "Gotham City", "dark"),
		"no place":                       decided("Yoda", "force", "", ""),
		"escapes":                        decided("\"\\\x01\u2028", "\\", "\t\"", "\\\""),
		"beyond ASCII":                   decided("🦸🏽‍♀️", "é", "日本", "\u2029"),
		"what looks like the fields":     decided(misleading, misleading, misleading, misleading),
		"the same without a place":       decided(misleading, misleading, "", ""),
		"a name that ends with a quote":  decided(`a\"`, `,"location":{`, `b\`, `"name":`),
		"a place that says it is null":   decided("Yoda", "", "null}", `,"location":null}`),
		"a power that ends like a field": decided("Yoda", `,`, `,`, `,`),
	} {
		t.Run(name, func(t *testing.T) {
			document := f.AppendJSON(nil)
			scanned, ok := scanOutcome(document)
			if !ok {
				t.Errorf("not understood without a parser: %s", document)
			}
			if diff := cmp.Diff(f.Outcome(), scanned); diff != "" {
				t.Errorf("(-fight +scanned):\n%s", diff)
			}
		})
	}
}

// Another writer's spelling is still read, and what is no fight is an error.
func TestParseOutcomeOtherwise(t *testing.T) {
	f := decided("Yoda", "force", "Gotham City", "dark")
	spaced := strings.Replace(string(f.AppendJSON(nil)), `{"id":`, `{ "id": `, 1)
	outcome, err := ParseOutcome([]byte(spaced))
	if diff := cmp.Diff(f.Outcome(), outcome); diff != "" || err != nil {
		t.Errorf("%v (-fight +read):\n%s", err, diff)
	}
	for _, text := range []string{"", "{}", "null", `{"id":"` + f.ID.String() + `","fight_date":"`} {
		if outcome, err := ParseOutcome([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, outcome)
		}
	}
}

func FuzzParseOutcome(f *testing.F) {
	f.Add("Yoda", "force", "Gotham City", "dark")
	f.Add(misleading, misleading, misleading, misleading)
	f.Add(`\`, `"`, `\"`, "\x00\xff")
	f.Fuzz(func(t *testing.T, winner, power, place, description string) {
		text := func(s string) string { return strings.ToValidUTF8(s, "?") }
		fought := decided(text(winner), text(power), text(place), text(description))
		outcome, ok := scanOutcome(fought.AppendJSON(nil))
		if !ok || cmp.Diff(fought.Outcome(), outcome) != "" {
			t.Errorf("got %v %+v, want %+v", ok, outcome, fought.Outcome())
		}
	})
}

func BenchmarkParseOutcome(b *testing.B) {
	document := exampleFight().AppendJSON(nil)
	b.Run("outcome", func(b *testing.B) {
		for b.Loop() {
			if _, err := ParseOutcome(document); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse(document); err != nil {
				b.Fatal(err)
			}
		}
	})
}
