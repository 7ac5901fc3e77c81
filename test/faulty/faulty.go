// Package faulty builds the program with a deliberate fault, to prove that the tests detect fights that are lost or
// counted twice. The program's own sources contain no such fault.
package faulty

import (
	"embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/test/engines/find"
	"superheroes/test/system"
)

//go:embed testdata/goroutines.go testdata/faults
var added embed.FS

// A faulty build replaces opensFights, the statement that opens the fight store, with opensBrokenFights.
const (
	opensFights       = "return sqlite.OpenFights(ctx, at.place, database.SQLiteFight, grouped)"
	opensBrokenFights = "return broken(sqlite.OpenFights(ctx, at.place, database.SQLiteFight, grouped))"
)

// Build builds the program with a goroutine report and, unless fault is "", with the deliberate fault in the file of
// that name in testdata/faults. The report and the fault are added through a build overlay; the sources on disk don't
// change.
func Build(t testing.TB, fault string) string {
	t.Helper()
	module, err := find.Module(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, replace := t.TempDir(), map[string]string{}
	put := func(path string, text []byte) {
		file := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(module, path)] = file
	}
	put("cmd/superheroes/goroutines.go", embedded(t, "goroutines.go"))
	if fault != "" {
		put("internal/app/fault.go", embedded(t, "faults/"+fault+".go"))
		const stores = "internal/app/stores.go"
		text, err := os.ReadFile(filepath.Join(module, stores))
		if err != nil || strings.Count(string(text), opensFights) != 1 {
			t.Fatalf("the statement that opens the fight store doesn't occur exactly once in %s (error %v)", stores, err)
		}
		put(stores, []byte(strings.Replace(string(text), opensFights, opensBrokenFights, 1)))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	put("overlay.json", overlay)
	return system.BuildWith(t, "-overlay="+filepath.Join(dir, "overlay.json"))
}

func embedded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := added.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
