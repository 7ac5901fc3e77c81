package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/exchange"
)

// file returns an in-memory file to import.
func file(name string, format exchange.Format, text string) ImportFile {
	return ImportFile{Name: name, Format: format, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

func jsonLines(name, text string) ImportFile { return file(name, exchange.JSONLines, text) }

// line returns a location as a line of JSON.
func line(id int, name string) string {
	if id == 0 {
		return fmt.Sprintf(`{"name":%q,"type":"CITY"}`, name) + "\n"
	}
	return fmt.Sprintf(`{"id":%d,"name":%q,"type":"CITY"}`, id, name) + "\n"
}

// held returns the ids and names of all stored locations.
func held(t *testing.T, at CatalogStore) []string {
	t.Helper()
	var out strings.Builder
	if _, err := Export(t.Context(), "locations", at, exchange.JSONLines, &out); err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(out.String()) {
		var item struct {
			ID   int64
			Name string
		}
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d %s", item.ID, item.Name))
	}
	return all
}

// TestImport imports files into a catalog with two locations, in both all-or-nothing and partial mode. The tests of the
// stores check that each engine rolls back transactions.
func TestImport(t *testing.T) {
	missing := ImportFile{Name: "missing", Open: func() (io.ReadCloser, error) { return nil, fs.ErrNotExist }}
	broken := ImportFile{Name: "broken", Format: exchange.JSONLines, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(line(7, "Asgard")), iotest.ErrReader(io.ErrUnexpectedEOF))), nil
	}}
	unchanged := []string{"1 Gotham", "51 Metropolis"}
	for _, c := range []struct {
		name    string
		options ImportOptions
		files   []ImportFile
		want    ImportResult
		refused []string // prefixes
		err     error
		held    []string
	}{
		{
			"rows with an existing id are replaced; others are added", ImportOptions{},
			[]ImportFile{jsonLines("a", line(1, "Arkham")), jsonLines("b", line(7, "Asgard"))},
			ImportResult{Taken: 2}, nil, nil, []string{"1 Arkham", "7 Asgard", "51 Metropolis"},
		},
		{
			"empty files replace nothing", ImportOptions{Replace: true},
			[]ImportFile{jsonLines("a", "")},
			ImportResult{}, nil, ErrNoRows, unchanged,
		},
		{
			"one bad row in any file rejects all files", ImportOptions{Replace: true},
			[]ImportFile{jsonLines("a", line(1, "Arkham")), jsonLines("b", "\n"+line(-1, "Asgard")+line(7, "")+"{nonsense\n")},
			ImportResult{Refused: 3}, []string{"b: line 2: ", "b: line 3: ", "b: line 4"}, ErrNothingChanged, unchanged,
		},
		{
			"an unknown field", ImportOptions{},
			[]ImportFile{jsonLines("a", `{"id":7,"name":"Asgard","type":"CITY","Name":"Oa"}`+"\n")},
			ImportResult{Refused: 1}, []string{"a: line 1"}, ErrNothingChanged, unchanged,
		},
		{
			"partial: the store refuses a duplicate name", ImportOptions{Partial: true},
			[]ImportFile{jsonLines("a", line(7, "Asgard")+line(8, "Metropolis")+line(0, strings.Repeat("x", 256)))},
			ImportResult{Taken: 1, Refused: 2}, []string{"a: line 2: refused: the name is taken", "a: line 3: refused: "}, nil,
			[]string{"1 Gotham", "7 Asgard", "51 Metropolis"},
		},
		{
			"partial and replacing", ImportOptions{Partial: true, Replace: true},
			[]ImportFile{file("a", exchange.CSV, "id,name,type\n7,\"As\ngard\",CITY\nx,Oa,CITY\n8,Moria,MOON\n")},
			ImportResult{Taken: 2, Refused: 1}, []string{"a: line 4, column id: "}, nil, []string{"7 As\ngard", "8 Moria"},
		},
		{
			"partial: a truncated file is rejected", ImportOptions{Partial: true, Replace: true},
			[]ImportFile{file("a", exchange.CSV, "id,name,picture\n7,\"torn")},
			ImportResult{}, nil, errors.New("a: line 2"), unchanged,
		},
		{
			"partial: a missing file is rejected", ImportOptions{Partial: true, Replace: true},
			[]ImportFile{jsonLines("a", line(8, "Moria")), missing},
			ImportResult{}, nil, fs.ErrNotExist, unchanged,
		},
		{
			"partial: a read error is returned", ImportOptions{Partial: true, Replace: true},
			[]ImportFile{jsonLines("a", line(8, "Moria")), broken},
			ImportResult{}, nil, io.ErrUnexpectedEOF, unchanged,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := CatalogStore{DataDir: t.TempDir()}
			start := []ImportFile{jsonLines("start", line(1, "Gotham")+line(51, "Metropolis"))}
			if _, err := Import(t.Context(), "locations", at, start, ImportOptions{Replace: true}); err != nil {
				t.Fatal(err)
			}
			var refused []string
			c.options.Refused = func(file string, cause error) { refused = append(refused, fmt.Sprintf("%s: %v", file, cause)) }
			result, err := Import(t.Context(), "locations", at, c.files, c.options)
			if result != c.want {
				t.Errorf("got %+v, want %+v", result, c.want)
			}
			if (err == nil) != (c.err == nil) || err != nil && !strings.Contains(err.Error(), c.err.Error()) {
				t.Errorf("got the error %v, want %v", err, c.err)
			}
			matches := func(prefix, text string) bool { return strings.HasPrefix(text, prefix) }
			if !slices.EqualFunc(c.refused, refused, matches) {
				t.Errorf("refused %q, want %q", refused, c.refused)
			}
			if diff := cmp.Diff(c.held, held(t, at)); diff != "" {
				t.Errorf("locations (-want +got):\n%s", diff)
			}
		})
	}
}
