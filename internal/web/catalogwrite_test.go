package web

import (
	"errors"
	"net/http"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/httpserver"
	"superheroes/internal/location"
)

// FuzzMerge compares merge with the algorithm of RFC 7396, applied to the JSON.
func FuzzMerge(f *testing.F) {
	for _, patch := range []string{
		"{}", "null", "[]", "5", `"x"`, "{", "", `{"name":"a"}`, `{"name":null}`, `{"level":null,"type":"MOON","x":1}`, `{"id":5}`, `{"id":null}`,
		`{"level":2147483648}`, `{"level":1.0}`, `{"name":"a","name":"b"}`, `{"name":{"a":null}}`, `{"description":"\u0000"}`, "{\"name\":\"\xff\"}", `{"name":"\ud800"}`, `[{"name":1}]`, `{"":1e700}`,
	} {
		f.Add([]byte(patch))
	}
	f.Fuzz(func(t *testing.T, patch []byte) {
		checkMerge(t, character.Heroes().Example, patch)
		checkMerge(t, location.Locations().Example, patch)
	})
}

func checkMerge[T catalog.Item](t *testing.T, old T, patch []byte) {
	t.Helper()
	got, err := merge(old, patch)
	var problem *httpserver.Problem
	if errors.As(err, &problem) && (problem.Status == http.StatusBadRequest || problem.Status == http.StatusUnprocessableEntity) {
		return
	}
	if err != nil {
		t.Fatalf("patch %q: got error %v, want a 400 or 422", patch, err)
	}
	var members map[string]jsontext.Value // raw, since unknown members may be numbers that fit no type
	if err := json.Unmarshal(patch, &members); err != nil || members == nil {
		t.Fatalf("patch %q was accepted, but isn't an object (%v)", patch, err)
	}
	merged := map[string]any{}
	if err := json.Unmarshal(old.AppendJSON(nil), &merged); err != nil {
		t.Fatal(err)
	}
	empty := map[string]any{}
	for name, value := range merged {
		empty[name] = ""
		if _, number := value.(float64); number {
			empty[name] = 0.0
		}
	}
	empty["id"] = nil // as AppendJSON writes it
	for name, value := range members {
		switch _, known := merged[name]; {
		case !known:
		case value.Kind() == 'n':
			merged[name] = empty[name]
		default:
			var known any
			if err := json.Unmarshal(value, &known); err != nil {
				t.Fatalf("patch %q was accepted with an invalid %s: %v", patch, name, err)
			}
			merged[name] = known
		}
	}
	var after map[string]any
	if err := json.Unmarshal(got.AppendJSON(nil), &after); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(merged, after); diff != "" {
		t.Errorf("patch %q: result differs (-RFC 7396 +merge):\n%s", patch, diff)
	}
}
