package web

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// fields returns the names of an object's fields, and of the fields of the objects in it.
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
	f := exampleFight()
	f.Date = f.Date.Add(6 * time.Millisecond) // which encoding/json would leave out if there were none
	var got, want map[string]any
	declared, err := json.Marshal(asDocument(f))
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
		t.Errorf("the declared fields (-) and the written ones (+) differ:\n%s", diff)
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
