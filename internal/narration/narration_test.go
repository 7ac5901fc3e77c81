package narration

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/exchange"
	"superheroes/internal/fight"
	"superheroes/internal/location"
)

// roster is what fights are picked from.
type roster struct {
	heroes, villains []character.Character
	places           []location.Location
}

func shipped(tb testing.TB) roster {
	tb.Helper()
	return roster{
		readAll(tb, exchange.JSONLines, character.Heroes(), database.Heroes()),
		readAll(tb, exchange.JSONLines, character.Villains(), database.Villains()),
		readAll(tb, exchange.JSONLines, location.Locations(), database.Locations()),
	}
}

func readAll[T catalog.Item](tb testing.TB, format exchange.Format, kind catalog.Kind[T], file []byte) (items []T) {
	tb.Helper()
	schema := exchange.Schema[T]{
		Table: kind.Table.Name, Columns: kind.Table.Columns, Set: kind.Table.Set, Get: kind.Table.Value, MySQL: kind.Plural == "locations",
		Decode: func(line []byte) (item T, err error) { return item, json.Unmarshal(line, &item) },
	}
	for row, err := range exchange.Read(bytes.NewReader(file), format, schema) {
		if err != nil || row.Err != nil {
			tb.Fatal(err, row.Err)
		}
		items = append(items, row.Item)
	}
	return items
}

// quarkus returns the roster of the Quarkus application, if its files are available.
func quarkus(t *testing.T) roster {
	t.Helper()
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "quarkus", name))
		if os.IsNotExist(err) {
			t.Skip("the files of the Quarkus application are not available")
		}
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return roster{
		readAll(t, exchange.SQL, character.Heroes(), read("all-heroes.sql")),
		readAll(t, exchange.SQL, character.Villains(), read("all-villains.sql")),
		readAll(t, exchange.SQL, location.Locations(), read("all-locations.sql")),
	}
}

// fights returns n fights between random picks, the same ones each time.
func (r roster) fights(n int) []fight.Fight {
	random := rand.New(rand.NewPCG(1, 2))
	fights := make([]fight.Fight, n)
	for i := range fights {
		var id fight.ID
		for j := range id {
			id[j] = byte(random.Uint32())
		}
		place := pick(random, r.places)
		fights[i] = fight.Decide(id, time.UnixMilli(0), pick(random, r.heroes), pick(random, r.villains), &place)
	}
	return fights
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// sentences returns the sentences of a story, with names, places, powers and numbers masked.
func sentences(f fight.Fight, story string) []string {
	place, powers := newPlace(f.Location), strings.Split(f.Hero.Powers+","+f.Villain.Powers, ",")
	for i, power := range powers {
		powers[i] = inSentence(strings.TrimSpace(power))
	}
	story = masked(story, "N", display(f.Hero.Name), display(f.Villain.Name))
	story = masked(story, "L", place.at, place.name, strings.Replace(place.name, "the ", "The ", 1))
	story = masked(story, "P", powers...)
	story = regexp.MustCompile(`[0-9][0-9,]*`).ReplaceAllString(story, "1")
	return regexp.MustCompile(`[^.!?…]+[.!?…]+`).FindAllString(story, -1)
}

// masked replaces the given values in text, longer ones first.
func masked(text, mask string, values ...string) string {
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	for _, value := range values {
		if value != "" {
			text = strings.ReplaceAll(text, value, mask)
		}
	}
	return text
}

// TestVariety checks that stories don't sound alike: among 1,000 fights, no sentence is in more than 5 %.
func TestVariety(t *testing.T) {
	const fights, most = 1000, 50
	for _, c := range []struct {
		name string
		load func(t *testing.T) roster
	}{{"shipped", func(t *testing.T) roster { return shipped(t) }}, {"quarkus", quarkus}} {
		t.Run(c.name, func(t *testing.T) {
			seen := map[string]int{}
			for _, f := range c.load(t).fights(fights) {
				story := Of(f)
				all := sentences(f, story)
				if len(all) < 3 || len(all) > 5 {
					t.Errorf("%d sentences: %s", len(all), story)
				}
				checkText(t, story)
				for _, sentence := range all {
					seen[strings.TrimSpace(sentence)]++
				}
			}
			common, n := "", 0
			for sentence, count := range seen {
				if count > n {
					common, n = sentence, count
				}
			}
			t.Logf("%d different sentences; the most common, in %d of %d fights: %s", len(seen), n, fights, common)
			if n > most {
				t.Errorf("%q is in %d of %d fights, more than %d", common, n, fights, most)
			}
		})
	}
}

// checkText checks that a story is readable: no part of the grammar shows, nothing is missing, and it is of limited
// length.
func checkText(tb testing.TB, story string) {
	tb.Helper()
	const most = 5 << 10
	if len(story) > most || !utf8.ValidString(story) {
		tb.Errorf("%d bytes, valid UTF-8: %t: %s", len(story), utf8.ValidString(story), story)
	}
	if strings.ContainsFunc(story, unicode.IsControl) || strings.Count(story, "\u2068") != strings.Count(story, "\u2069") {
		tb.Errorf("control characters or unbalanced isolates: %q", story)
	}
	if first, _ := utf8.DecodeRuneInString(story); unicode.IsSpace(first) {
		tb.Errorf("starts with a space: %q", story)
	}
	for _, wrong := range []string{"  ", "\n", "\u202e"} {
		if strings.Contains(story, wrong) {
			tb.Errorf("%q in %q", wrong, story)
		}
	}
}

// TestSparse tells fights of which little is known, as other programs may store them.
func TestSparse(t *testing.T) {
	full := shipped(t).fights(300)
	for _, c := range []struct {
		name  string
		strip func(f *fight.Fight)
	}{
		{"no location", func(f *fight.Fight) { f.Location = nil }},
		{"a location without a name", func(f *fight.Fight) { f.Location.Name = " \t" }},
		{"a location without a type", func(f *fight.Fight) { f.Location.Type = "" }},
		{"no powers", func(f *fight.Fight) { f.Hero.Powers, f.Villain.Powers = "", " , ,🔥" }},
		{"one fighter's powers", func(f *fight.Fight) { f.Hero.Powers = "" }},
		{"a single power", func(f *fight.Fight) { f.Hero.Powers, f.Villain.Powers = "Luck", "Luck, Luck" }},
		{"no names", func(f *fight.Fight) { f.Hero.Name, f.Villain.Name = "", "\u200b" }},
		{"no levels", func(f *fight.Fight) { f.Hero.Level, f.Villain.Level = 0, 0 }},
		{"a winner with the lower level", func(f *fight.Fight) { f.Hero.Level, f.Villain.Level, f.Winner = 1, 2, fight.Heroes }},
		{"nothing", func(f *fight.Fight) {
			f.Hero, f.Villain, f.Location = character.Character{}, character.Character{}, nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range full {
				place := *f.Location
				f.Location = &place
				c.strip(&f)
				story := Of(f)
				checkText(t, story)
				if n := len(sentences(f, story)); n < 3 || n > 5 {
					t.Errorf("%d sentences: %s", n, story)
				}
				if regexp.MustCompile(`[{}\[\]|]| [.,;:]|(?:^|\. )[a-z]|’s [.,;]|\.\.`).MatchString(story) {
					t.Errorf("something is missing: %s", story)
				}
			}
		})
	}
}

// TestSameStory checks that the story depends only on what is stored, and that a rematch has another story.
func TestSameStory(t *testing.T) {
	stories, fights := map[string]bool{}, shipped(t).fights(100)
	for i, f := range fights {
		stored, err := fight.Parse(f.ID, f.AppendJSON(nil))
		if err != nil {
			t.Fatal(err)
		}
		story := Of(f)
		if again := Of(stored); again != story {
			t.Errorf("the stored fight has another story:\n%s\n%s", story, again)
		}
		rematch := fights[0]
		rematch.ID[0] = byte(i)
		stories[Of(rematch)] = true
	}
	if len(stories) < 90 {
		t.Errorf("100 fights between the same fighters have only %d stories", len(stories))
	}
}

func TestTone(t *testing.T) {
	for _, c := range []struct {
		winner, loser int32
		want          tone
	}{
		{7, 7, tied}, {0, 0, tied}, {1, 2, upset}, {149, 100, narrow}, {150, 100, decisive}, {499, 100, decisive}, {500, 100, crushing},
		{1, 0, crushing}, {1<<31 - 1, 1, crushing}, {1<<31 - 1, 1<<31 - 2, narrow}, {-1, -2, crushing}, {-1 << 31, 1<<31 - 1, upset},
	} {
		if got := toneOf(c.winner, c.loser); got != c.want {
			t.Errorf("%d against %d: got tone %d, want %d", c.winner, c.loser, got, c.want)
		}
	}
}

// TestWords checks how single values are written within a sentence; "" means that they aren't used.
func TestWords(t *testing.T) {
	power := func(text string) string {
		power, _ := pickPowers(text, dice{rand.NewPCG(0, 0)})
		return power
	}
	place := func(kind string) func(string) string {
		return func(name string) string { return newPlace(&location.Location{Name: name, Type: kind}).at }
	}
	long := strings.Repeat("😀", 10_000)
	for _, c := range []struct {
		how        func(string) string
		text, want string
	}{
		{power, "Heat Vision", "heat vision"},
		{power, "X-Ray Sight", "X-ray sight"},
		{power, "EMP Generation", "EMP generation"},
		{power, "Vision - Night", "night vision"},
		{power, "Épée", "épée"},
		{power, "القوة", "\u2068القوة\u2069"},
		{power, "The Force", ""},
		{power, "Master Tactician", ""},
		{power, "🔥", ""},
		{power, long, ""},
		{power, "a\u202eb", ""},
		{place("CITY"), "Gotham City", "in Gotham City"},
		{place("CITY"), "The Emerald City", "in the Emerald City"},
		{place("MOON"), "The Moon", "on the Moon"},
		{place("ISLAND"), "Isle of Lost Umbrellas", "on the Isle of Lost Umbrellas"},
		{place("PLACE"), "Sherwood Forest", "in Sherwood Forest"},
		{place("PLACE"), "Mount Olympus", "on Mount Olympus"},
		{place(""), "Stonehenge", "at Stonehenge"},
		{place("CITY"), "\u200b", ""},
		{display, "  Doctor\n\tDoom ", "Doctor Doom"},
		{display, "a\u202eb\x00", "ab"},
		{display, "رستم", "\u2068رستم\u2069"},
		{display, long, strings.Repeat("😀", maxName) + "…"},
		{display, strings.Repeat("é", maxName), strings.Repeat("é", maxName)},
		{display, "<b>{winner}[a|b]", "<b>{winner}[a|b]"},
	} {
		if got := c.how(c.text); got != c.want {
			t.Errorf("%.50q is written as %q, want %q", c.text, got, c.want)
		}
	}
	for n, want := range map[int32]string{0: "0", 999: "999", 1000: "1,000", 1<<31 - 1: "2,147,483,647", -100: "-100", -1000: "-1,000"} {
		if got := (fighter{level: n}).value("level"); got != want {
			t.Errorf("%d is written as %s, want %s", n, got, want)
		}
	}
}

// TestGrammar checks every line of the grammar: its slots exist, its choices have alternatives, and the lists for fights
// without a location or without powers don't need any.
func TestGrammar(t *testing.T) {
	slot := regexp.MustCompile(`\{(hero|villain|place|at|(winner|loser)('s (power|other power|level|team))?)\}`)
	choice := regexp.MustCompile(`\[[^\[\]{}|]+(\|[^\[\]{}|]+)+\]`)
	const placed = "place at"
	for name, list := range map[string]struct{ lines, unknown string }{
		"openings": {openings, "power"}, "city": {openingsOn("CITY"), "power"}, "country": {openingsOn("COUNTRY"), "power"},
		"island": {openingsOn("ISLAND"), "power"}, "planet": {openingsOn("PLANET"), "power"}, "nowhere": {openingsNowhere, placed + " power"},
		"attacks": {attacks, placed + " winner's other"}, "double attacks": {doubleAttacks, placed + " winner's"},
		"answers": {answers, placed + " loser's other"}, "double answers": {doubleAnswers, placed + " loser's"}, "blows": {blows, placed + " power other"},
		"tied": {tiedEndings, placed + " power"}, "narrow": {narrowEndings, placed + " power"}, "decisive": {decisiveEndings, placed + " power"},
		"crushing": {crushingEndings, placed + " power"}, "upset": {upsetEndings, placed + " power"},
		"aftermaths": {aftermaths, placed + " power"}, "aftermaths at the place": {aftermathsAtPlace, "power"},
	} {
		for line := range strings.Lines(list.lines) {
			for _, found := range slot.FindAllString(line, -1) {
				for unknown := range strings.FieldsSeq(list.unknown) {
					if slices.Contains(strings.FieldsFunc(found, func(r rune) bool { return strings.ContainsRune("{} ", r) }), unknown) {
						t.Errorf("%s: %s needs %s", name, line, unknown)
					}
				}
			}
			if left := choice.ReplaceAllString(slot.ReplaceAllString(line, "x"), "x"); strings.ContainsAny(left, "{}[]|") || strings.HasSuffix(left, ".\n") {
				t.Errorf("%s: malformed: %s", name, line)
			}
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("Batman", "The Joker", "Gadgets, Stealth", "Gotham City", "CITY", int32(1), int32(2), []byte{1})
	f.Add("<script>", "\u202eevil", strings.Repeat("🔥,", 100), "{at}", "", int32(-1), int32(0), []byte{})
	f.Add("Mr.", "", "a\x00b", strings.Repeat("\u0301", 300), "MOON", int32(0), int32(0), []byte("0123456789abcdef"))
	f.Add("0", "0", "Heat   Vision", "0", "0", int32(23), int32(39), []byte("0"))
	f.Fuzz(func(t *testing.T, hero, villain, powers, place, kind string, level, other int32, seed []byte) {
		var id fight.ID
		copy(id[:], seed)
		decided := fight.Decide(id, time.UnixMilli(0), character.Character{Name: hero, Level: level, Powers: powers},
			character.Character{Name: villain, Level: other, Powers: powers}, &location.Location{Name: place, Type: kind})
		checkText(t, Of(decided))
	})
}

func BenchmarkOf(b *testing.B) {
	fights := shipped(b).fights(100)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		Of(fights[i%len(fights)])
	}
}
