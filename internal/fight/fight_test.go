package fight

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestDecide(t *testing.T) {
	tests := []struct {
		name          string
		hero, villain int32
		winner        Team
	}{
		{"hero higher", 11, 10, Heroes},
		{"villain higher", 10, 11, Villains},
		{"a tie goes to the villain", 10, 10, Villains},
		{"a tie at 0", 0, 0, Villains},
		{"a tie at the maximum level", 1<<31 - 1, 1<<31 - 1, Villains},
		{"the largest gap", 1<<31 - 1, 0, Heroes},
		{"the largest gap, in the villain's favor", 0, 1<<31 - 1, Villains},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hero, villain := character.Character{ID: 1, Name: "h", Level: test.hero}, character.Character{ID: 2, Name: "v", Level: test.villain}
			f := Decide(ID{1}, time.Now(), hero, villain, nil)
			winner, loser := f.Sides()
			want := map[Team]Side{Heroes: {hero, Heroes}, Villains: {villain, Villains}}
			if f.Winner != test.winner || winner != want[test.winner] {
				t.Errorf("the winning team is %s and the winner %+v, want team %s", f.Winner, winner, test.winner)
			}
			if winner.Team == loser.Team || loser != want[loser.Team] {
				t.Errorf("got loser %+v and winner %+v", loser, winner)
			}
		})
	}
}

func TestDecideDate(t *testing.T) {
	berlin := time.FixedZone("", 2*60*60)
	tests := []struct {
		name     string
		at, want time.Time
	}{
		{"to the millisecond, downwards", time.Date(2026, 1, 2, 3, 4, 5, 678_999_999, time.UTC), time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)},
		{"in UTC", time.Date(2026, 1, 1, 1, 0, 0, 0, berlin), time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)},
		{"before 1970", time.Date(1969, 12, 31, 23, 59, 59, 999_900_000, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_000_000, time.UTC)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(ID{}, test.at, character.Character{}, character.Character{}, nil).Date
			if got != test.want { // the == operator also compares the time zone
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// examples returns the fights in the golden files, by file name.
func examples(t testing.TB) map[string]Fight {
	id, at := parseID(t, "019b7f50-0a2d-7abc-8123-456789abcdef"), time.Date(2026, 1, 2, 15, 4, 5, 6_000_000, time.UTC)
	yoda, thanos, gotham := character.Heroes().Example, character.Villains().Example, location.Locations().Example
	odd := character.Character{
		ID: 1<<63 - 1, Name: `"quotes" \ and / slash`, OtherName: "<b>&amp;</b>", Level: 1<<31 - 1,
		Picture: "controls \x01\x1f\x7f\b\f\n\r\t", Powers: "lines\u2028and\u2029paragraphs, 🦸🏽‍♀️, e\u0301, \U0010ffff, \ufeff",
	}
	nobody := character.Character{Name: "nobody"}
	return map[string]Fight{
		"plain":         Decide(id, at, yoda, thanos, &gotham),
		"hero_wins":     Decide(id, at.Truncate(time.Second), thanos, yoda, &gotham),
		"odd_text":      Decide(id, at, odd, odd, &location.Location{ID: 7, Name: "\u2028", Description: "</script>🌍\x00", Type: "MOON"}),
		"no_ids":        Decide(MaxID(), at, nobody, nobody, &location.Location{Name: "somewhere"}),
		"no_place":      Decide(ID{}, at, yoda, nobody, nil),
		"not_utf8_text": Decide(id, at, character.Character{ID: 1, Name: "\xff\xc3("}, nobody, nil),
	}
}

func TestAppendJSONGolden(t *testing.T) {
	for name, f := range examples(t) {
		t.Run(name, func(t *testing.T) {
			file, got := filepath.Join("testdata", name+".json"), f.AppendJSON(nil)
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// fields returns the names of all fields of a JSON object, including those of nested objects.
func fields(t *testing.T, object map[string]any) map[string][]string {
	t.Helper()
	names := map[string][]string{"": slices.Sorted(maps.Keys(object))}
	for name, value := range object {
		if inner, ok := value.(map[string]any); ok {
			names[name] = slices.Sorted(maps.Keys(inner))
		}
	}
	return names
}

func TestAppendJSONHasTheDeclaredFields(t *testing.T) {
	f := examples(t)["plain"]
	var got, want map[string]any
	declared, err := json.Marshal(f.JSON())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(declared, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(f.AppendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the declared fields (-) and the written fields (+) differ:\n%s", diff)
	}
	fighter := []string{"id", "level", "name", "otherName", "picture", "powers"}
	contract := map[string][]string{
		"": {"fight_date", "hero", "id", "location",
			"loser_level", "loser_name", "loser_picture", "loser_powers", "loser_team", "villain",
			"winner_level", "winner_name", "winner_picture", "winner_powers", "winner_team"},
		"hero": fighter, "villain": fighter, "location": {"description", "id", "name", "picture", "type"},
	}
	if diff := cmp.Diff(contract, fields(t, got)); diff != "" {
		t.Errorf("the contract (-) and the written fields (+) differ:\n%s", diff)
	}
}

// anyFight generates fights with any valid UTF-8 text. anyFight ignores the field limits, because a store may contain
// fights that predate them.
func anyFight() *rapid.Generator[Fight] {
	return rapid.Custom(func(t *rapid.T) Fight {
		id := ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		at := time.UnixMilli(rapid.Int64Range(-1<<40, 1<<47).Draw(t, "ms"))
		fighter, place := rapid.Make[character.Character](), rapid.Ptr(rapid.Make[location.Location](), true)
		return Decide(id, at, fighter.Draw(t, "hero"), fighter.Draw(t, "villain"), place.Draw(t, "place"))
	})
}

func TestParseReadsWhatAppendJSONWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkIdentity(t, anyFight().Draw(t, "fight"))
	})
}

// checkIdentity checks that a fight's document is valid JSON and that parsing it gives an equal fight.
func checkIdentity(t rapid.TB, f Fight) {
	t.Helper()
	text := f.AppendJSON(nil)
	if !jsontext.Value(text).IsValid() {
		t.Fatalf("not valid JSON: %s", text)
	}
	again, err := Parse(f.ID, text)
	if err != nil {
		t.Fatalf("reading %s: %v", text, err)
	}
	if diff := cmp.Diff(f, again); diff != "" {
		t.Fatalf("the written (-) and the parsed (+) fight differ:\n%s", diff)
	}
	if !bytes.Equal(text, again.AppendJSON(nil)) {
		t.Fatalf("re-encoding the document\n%s\ngives\n%s", text, again.AppendJSON(nil))
	}
}

func BenchmarkDecideAppendJSON(b *testing.B) {
	id, at := ID{1}, time.Now()
	yoda, thanos, gotham := character.Heroes().Example, character.Villains().Example, location.Locations().Example
	buffer := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buffer = Decide(id, at, yoda, thanos, &gotham).AppendJSON(buffer[:0])
	}
	b.SetBytes(int64(len(buffer)))
}

func BenchmarkParse(b *testing.B) {
	f := examples(b)["plain"]
	text := f.AppendJSON(nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(f.ID, text); err != nil {
			b.Fatal(err)
		}
	}
}
