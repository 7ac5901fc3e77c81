package database_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/location"
)

// decode decodes JSON lines, and checks that each item is within its limits and that AppendJSON writes exactly the
// same line.
func decode[T catalog.Item](t *testing.T, lines []byte) []T {
	t.Helper()
	body, ended := bytes.CutSuffix(lines, []byte("\n"))
	if !ended {
		t.Fatal("the file doesn't end with a line feed")
	}
	var items []T
	for n, line := range bytes.Split(body, []byte("\n")) {
		var item T
		if err := json.Unmarshal(line, &item); err != nil {
			t.Fatalf("line %d: %v", n+1, err)
		}
		if want := item.AppendJSON(nil); !bytes.Equal(line, want) {
			t.Fatalf("line %d:\n got %s\nwant %s", n+1, line, want)
		}
		item.Check(func(field, message string) { t.Errorf("line %d: %s %s", n+1, field, message) })
		items = append(items, item)
	}
	return items
}

// checkEntry checks the fields that characters and locations have in common.
func checkEntry(t *testing.T, kind string, index int, id int64, name, picture string) {
	t.Helper()
	if id != int64(index+1) {
		t.Errorf("line %d: id %d", index+1, id)
	}
	if name != strings.TrimSpace(name) {
		t.Errorf("id %d: name %q", id, name)
	}
	if want := fmt.Sprintf("/api/%s/%d/picture.svg", kind, id); picture != want {
		t.Errorf("id %d: picture %q, want %q", id, picture, want)
	}
}

func checkUnique(t *testing.T, names []string) {
	t.Helper()
	seen := make(map[string]bool)
	for _, name := range names {
		// No two names may differ only in case, because MariaDB's unique index may ignore
		// case.
		folded := strings.ToLower(name)
		if seen[folded] {
			t.Errorf("duplicate name %q", name)
		}
		seen[folded] = true
	}
}

func TestCharacters(t *testing.T) {
	tests := []struct {
		kind   string
		lines  []byte
		famous string
	}{
		{"heroes", database.Heroes(), "Yoda"},
		{"villains", database.Villains(), "Thanos"},
	}
	for _, test := range tests {
		t.Run(test.kind, func(t *testing.T) {
			items := decode[character.Character](t, test.lines)
			if len(items) != 120 {
				t.Errorf("%d entries, want 120", len(items))
			}
			var names []string
			for i, item := range items {
				checkEntry(t, test.kind, i, item.ID, item.Name, item.Picture)
				checkCharacter(t, item)
				names = append(names, item.Name)
			}
			checkUnique(t, names)
			checkScripts(t, names)
			if !slices.Contains(names, test.famous) {
				t.Errorf("%s is missing", test.famous)
			}
		})
	}
}

func checkCharacter(t *testing.T, c character.Character) {
	t.Helper()
	if c.Level < 20 || c.Level > 1_000_000 {
		t.Errorf("id %d: implausible level %d", c.ID, c.Level)
	}
	powers := strings.Split(c.Powers, ", ")
	if len(powers) < 3 || len(powers) > 9 {
		t.Errorf("id %d: %d powers, want 3 to 9", c.ID, len(powers))
	}
	sorted := slices.Sorted(slices.Values(powers))
	if len(slices.Compact(sorted)) != len(powers) {
		t.Errorf("id %d: duplicate power: %s", c.ID, c.Powers)
	}
	for _, power := range powers {
		if power == "" || power != strings.TrimSpace(power) || strings.Contains(power, ",") {
			t.Errorf("id %d: power %q", c.ID, power)
		}
	}
}

// checkScripts checks that the names are suitable for testing encodings: at least one has an accent, one has non-Latin
// letters, and one has an apostrophe.
func checkScripts(t *testing.T, names []string) {
	t.Helper()
	letter := func(test func(rune) bool) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return strings.ContainsFunc(name, func(r rune) bool { return unicode.IsLetter(r) && test(r) })
		})
	}
	if !letter(func(r rune) bool { return unicode.Is(unicode.Latin, r) && r > unicode.MaxASCII }) {
		t.Error("no name has an accent")
	}
	if !letter(func(r rune) bool { return !unicode.Is(unicode.Latin, r) }) {
		t.Error("no name has a non-Latin letter")
	}
	if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, "'") }) {
		t.Error("no name has an apostrophe")
	}
}

func TestLocations(t *testing.T) {
	items := decode[location.Location](t, database.Locations())
	if len(items) != 60 {
		t.Errorf("%d entries, want 60", len(items))
	}
	var names []string
	types := make(map[string]int)
	for i, item := range items {
		checkEntry(t, "locations", i, item.ID, item.Name, item.Picture)
		if n := utf8.RuneCountInString(item.Description); n < 20 || n > 255 {
			t.Errorf("id %d: the description has %d code points, want 20 to 255", item.ID, n)
		}
		names = append(names, item.Name)
		types[item.Type]++
	}
	checkUnique(t, names)
	checkScripts(t, names)
	if !slices.Contains(names, "Gotham City") {
		t.Error("Gotham City is missing")
	}
	for _, want := range []string{"CITY", "PLANET", "PLACE", "ISLAND", "COUNTRY", "MOON"} {
		if types[want] == 0 {
			t.Errorf("no location of type %s", want)
		}
	}
}

// The villain wins a tie, so the test checks the share of fights won by heroes.
func TestFightsAreBalanced(t *testing.T) {
	heroes, villains := decode[character.Character](t, database.Heroes()), decode[character.Character](t, database.Villains())
	var wins, ties, pairs float64
	for _, hero := range heroes {
		for _, villain := range villains {
			pairs++
			switch {
			case hero.Level > villain.Level:
				wins++
			case hero.Level == villain.Level:
				ties++
			}
		}
	}
	if share := wins / pairs; share < 0.42 || share > 0.58 {
		t.Errorf("heroes win %.1f %% of all possible fights, want 42 to 58", 100*share)
	}
	if share := ties / pairs; share > 0.01 {
		t.Errorf("%.1f %% of all possible fights are ties, want at most 1", 100*share)
	}
}
