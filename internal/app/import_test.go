package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
	"superheroes/internal/exchange"
	"superheroes/test/engines"
)

// target is a catalog on one engine.
type target struct {
	name    string
	catalog string
	fresh   func(t *testing.T) CatalogStore
}

func inFile(t *testing.T) CatalogStore { return CatalogStore{DataDir: t.TempDir()} }

func onPostgres(t *testing.T) CatalogStore { return CatalogStore{DatabaseURL: engines.Postgres(t)} }

func onMariaDB(t *testing.T) CatalogStore { return CatalogStore{MysqlURL: engines.MySQL(t)} }

func targets() []target {
	return []target{
		{"heroes in SQLite", "heroes", inFile},
		{"heroes in PostgreSQL", "heroes", onPostgres},
		{"villains in SQLite", "villains", inFile},
		{"villains in PostgreSQL", "villains", onPostgres},
		{"locations in SQLite", "locations", inFile},
		{"locations in MariaDB", "locations", onMariaDB},
	}
}

// held reads a whole catalog through its service, one line per item.
func held(t *testing.T, name string, at CatalogStore) []string {
	t.Helper()
	cfg := at.store(name)
	switch name {
	case "heroes":
		return read(t, heroes(), cfg)
	case "villains":
		return read(t, villains(), cfg)
	}
	return read(t, locations(), cfg)
}

func read[T catalog.Item](t *testing.T, kind kindOfCatalog[T], cfg store) []string {
	t.Helper()
	opened, err := openCatalog(t.Context(), kind, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = opened.store.Close() }()
	service := catalog.NewService(kind.Kind, opened.store, 0)
	defer service.Close()
	if _, err := service.Random(t.Context()); err != nil && !errors.Is(err, catalog.ErrEmpty) {
		t.Errorf("picking: %v", err)
	}
	step := func() (context.Context, context.CancelFunc) { return context.WithCancel(t.Context()) }
	var lines []string
	for page, err := range service.Pages(catalog.Selection{}, step) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page {
			lines = append(lines, string(item.AppendJSON(nil)))
		}
	}
	return lines
}

// file is an in-memory file to import.
func file(name string, format exchange.Format, text string) ImportFile {
	return ImportFile{Name: name, Format: format, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(text)), nil
	}}
}

// transfer imports, and also returns the refusals as "file: cause".
func transfer(t *testing.T, name string, at CatalogStore, options ImportOptions, files ...ImportFile) (ImportResult, []string, error) {
	t.Helper()
	var refused []string
	options.Refused = func(file string, cause error) { refused = append(refused, fmt.Sprintf("%s: %v", file, cause)) }
	result, err := Import(t.Context(), name, at, files, options)
	if result.Refused != len(refused) {
		t.Errorf("%d rows were refused, %d were reported", result.Refused, len(refused))
	}
	return result, refused, err
}

// The whole data set of the Quarkus application can be imported into each engine and read back.
func TestImportFamily(t *testing.T) {
	want := map[string]struct {
		rows  int
		parts []string // of lines
	}{
		"heroes": {3458, []string{
			`"name":"Zacama","otherName":"","level":15000,`,
			`"name":"Martian Manhunter","otherName":"J'onn J'onzz",`,
			`"name":"Ghost Rider (Zarathos' Power)","otherName":"Johnny Blaze",`,
		}},
		"villains": {1797, []string{
			`"name":"Dark Nebula","otherName":"","level":230000,`,
			"\"name\":\"Widowmaker\",\"otherName\":\"Am\uFFFDlie Lacroix\",", // as in the family's file
		}},
		"locations": {31, []string{`"name":"Gotham City",`, `"name":"K'un-Lun",`, `"type":"COUNTRY"}`}},
	}
	for _, target := range targets() {
		t.Run(target.name, func(t *testing.T) {
			name := "all-" + target.catalog + ".sql"
			text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "quarkus", name))
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip("the family's data set isn't here")
			}
			if err != nil {
				t.Fatal(err)
			}
			at, want := target.fresh(t), want[target.catalog]
			result, refused, err := transfer(t, target.catalog, at, ImportOptions{Replace: true}, file(name, exchange.SQL, string(text)))
			if err != nil || result.Taken != want.rows {
				t.Fatalf("%d rows were taken, %q refused (%v), want all %d", result.Taken, refused, err, want.rows)
			}
			lines := held(t, target.catalog, at)
			if len(lines) != want.rows {
				t.Errorf("%d are served, want %d", len(lines), want.rows)
			}
			whole := strings.Join(lines, "\n")
			for _, part := range want.parts {
				if !strings.Contains(whole, part) {
					t.Errorf("%s is not served", part)
				}
			}
		})
	}
}

// The family's heroes can be added to the shipped ones.
func TestImportFamilyBesideRoster(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "quarkus", "all-heroes.sql")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Skip("the family's data set isn't here")
	}
	at := inFile(t)
	shipped := held(t, "heroes", at)
	if _, _, err := transfer(t, "heroes", at, ImportOptions{}, file("all-heroes.sql", exchange.SQL, string(text))); err != nil {
		t.Fatal(err)
	}
	lines := held(t, "heroes", at)
	if diff := cmp.Diff(shipped, lines[:len(shipped)]); diff != "" {
		t.Errorf("the roster was changed: %s", diff)
	}
	if n := len(lines) - len(shipped); n != 3458 {
		t.Errorf("%d were added", n)
	}
}

// line returns a row of any catalog as a JSON line.
func line(catalog string, id int, name string) string {
	rest := `"level":1`
	if catalog == "locations" {
		rest = `"type":"CITY"`
	}
	if id > 0 {
		rest += fmt.Sprintf(`,"id":%d`, id)
	}
	return fmt.Sprintf(`{"name":%q,%s}`, name, rest) + "\n"
}

func TestImport(t *testing.T) {
	yoda := func(c string) string { return line(c, 1, "Yoda") }
	torn := func(string) string { return "id,name,picture\n7,\"torn" }
	for _, c := range []struct {
		name             string
		format           exchange.Format
		replace, partial bool
		files            []func(catalog string) string
		want             ImportResult
		refused          []string // prefixes
		wantErr          string   // a part of it, "" for none
		held             []string // expected ids and names; 1 Luke and 51 Leia were there before
	}{
		{
			name: "adds and overwrites", format: exchange.JSONLines,
			files: []func(string) string{func(c string) string { return yoda(c) + line(c, 7, "Han") }},
			want:  ImportResult{Taken: 2}, held: []string{"1 Yoda", "7 Han", "51 Leia"},
		},
		{
			name: "several files", format: exchange.JSONLines,
			files: []func(string) string{yoda, func(c string) string { return line(c, 7, "Han") }},
			want:  ImportResult{Taken: 2}, held: []string{"1 Yoda", "7 Han", "51 Leia"},
		},
		{
			name: "replaces", format: exchange.JSONLines, replace: true,
			files: []func(string) string{func(c string) string { return line(c, 7, "Luke") }},
			want:  ImportResult{Taken: 1}, held: []string{"7 Luke"},
		},
		{
			name: "does not replace by nothing", format: exchange.JSONLines, replace: true,
			files:   []func(string) string{func(string) string { return "" }},
			wantErr: ErrNoRows.Error(), held: []string{"1 Luke", "51 Leia"},
		},
		{
			name: "all or nothing", format: exchange.JSONLines,
			files: []func(string) string{func(c string) string {
				return yoda(c) + line(c, 7, "") + "{nonsense\n" + line(c, 8, strings.Repeat("x", 51)) + line(c, 9, "Han")
			}},
			want: ImportResult{Refused: 3}, refused: []string{"file0: line 2: ", "file0: line 3", "file0: line 4: "},
			wantErr: ErrNothingChanged.Error(), held: []string{"1 Luke", "51 Leia"},
		},
		{
			name: "all or nothing when it replaces", format: exchange.JSONLines, replace: true,
			files: []func(string) string{func(c string) string { return yoda(c) + line(c, 7, "") }},
			want:  ImportResult{Refused: 1}, refused: []string{"file0: line 2: "},
			wantErr: ErrNothingChanged.Error(), held: []string{"1 Luke", "51 Leia"},
		},
		{
			name: "all or nothing over files", format: exchange.JSONLines,
			files: []func(string) string{yoda, func(c string) string { return "\n" + line(c, -1, "Han") + line(c, 0, "") }},
			want:  ImportResult{Refused: 1}, refused: []string{"file1: line 3: "},
			wantErr: ErrNothingChanged.Error(), held: []string{"1 Luke", "51 Leia"},
		},
		{
			name: "partial", format: exchange.JSONLines, partial: true,
			files: []func(string) string{func(c string) string { return yoda(c) + line(c, 7, "") + "{nonsense\n" + line(c, 9, "Han") }},
			want:  ImportResult{Taken: 2, Refused: 2}, refused: []string{"file0: line 2: ", "file0: line 3"},
			held: []string{"1 Yoda", "9 Han", "51 Leia"},
		},
		{
			name: "partial and replacing", format: exchange.JSONLines, partial: true, replace: true,
			files: []func(string) string{func(c string) string { return line(c, 7, "") + line(c, 9, "Han") }},
			want:  ImportResult{Taken: 1, Refused: 1}, refused: []string{"file0: line 1: "},
			held: []string{"9 Han"},
		},
		{
			name: "unknown field", format: exchange.JSONLines,
			files: []func(string) string{func(c string) string { return yoda(c) + `{"id":7,"name":"Han","Name":"Solo"}` + "\n" }},
			want:  ImportResult{Refused: 1}, refused: []string{"file0: line 2"},
			wantErr: ErrNothingChanged.Error(), held: []string{"1 Luke", "51 Leia"},
		},
		{
			name: "CSV", format: exchange.CSV, partial: true,
			files: []func(string) string{func(c string) string {
				if c == "locations" {
					return "id,name,type\n7,\"Ha\nn\",CITY\nx,Lando,CITY\n8,Chewie,MOON\n"
				}
				return "id,name,level\n7,\"Ha\nn\",5\nx,Lando,5\n8,Chewie,6\n"
			}},
			want: ImportResult{Taken: 2, Refused: 1}, refused: []string{"file0: line 4, column id: "},
			held: []string{"1 Luke", "7 Ha\nn", "8 Chewie", "51 Leia"},
		},
		{
			name: "a torn file, whatever is allowed", format: exchange.CSV, partial: true, replace: true,
			files: []func(string) string{torn}, wantErr: "file0: line 2", held: []string{"1 Luke", "51 Leia"},
		},
	} {
		for _, target := range targets() {
			t.Run(c.name+"/"+target.name, func(t *testing.T) {
				at := started(t, target)
				var files []ImportFile
				for i, text := range c.files {
					files = append(files, file(fmt.Sprint("file", i), c.format, text(target.catalog)))
				}
				result, refused, err := transfer(t, target.catalog, at, ImportOptions{Replace: c.replace, Partial: c.partial}, files...)
				if result != c.want {
					t.Errorf("got %+v, want %+v", result, c.want)
				}
				checkRefused(t, refused, c.refused)
				if (err == nil) != (c.wantErr == "") || err != nil && !strings.Contains(err.Error(), c.wantErr) {
					t.Errorf("got the error %v, want %q", err, c.wantErr)
				}
				if diff := cmp.Diff(c.held, names(held(t, target.catalog, at))); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// started returns a store that holds 1 Luke and 51 Leia.
func started(t *testing.T, target target) CatalogStore {
	t.Helper()
	at := target.fresh(t)
	text := line(target.catalog, 1, "Luke") + line(target.catalog, 51, "Leia")
	if _, _, err := transfer(t, target.catalog, at, ImportOptions{Replace: true}, file("start", exchange.JSONLines, text)); err != nil {
		t.Fatal(err)
	}
	return at
}

func checkRefused(t *testing.T, got, beginnings []string) {
	t.Helper()
	if len(got) != len(beginnings) {
		t.Fatalf("refused %q, want %q", got, beginnings)
	}
	for i, beginning := range beginnings {
		if !strings.HasPrefix(got[i], beginning) {
			t.Errorf("refused %q, want %q", got[i], beginning)
		}
	}
}

// names reduces lines to the id and the name.
func names(lines []string) []string {
	var short []string
	for _, line := range lines {
		var item struct {
			ID   int64
			Name string
		}
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			short = append(short, err.Error())
			continue
		}
		short = append(short, fmt.Sprintf("%d %s", item.ID, item.Name))
	}
	return short
}

// Imported again, rows with an id are unchanged, rows without one are added.
func TestImportTwice(t *testing.T) {
	for _, target := range targets() {
		t.Run(target.name, func(t *testing.T) {
			at := started(t, target)
			with := file("with", exchange.JSONLines, line(target.catalog, 1, "Yoda")+line(target.catalog, 7, "Han"))
			for range 2 {
				if _, _, err := transfer(t, target.catalog, at, ImportOptions{}, with); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]string{"1 Yoda", "7 Han", "51 Leia"}, names(held(t, target.catalog, at))); diff != "" {
					t.Error(diff)
				}
			}
			for _, name := range []string{"Lando", "Chewie"} {
				without := file("without", exchange.JSONLines, line(target.catalog, 0, name))
				if _, _, err := transfer(t, target.catalog, at, ImportOptions{}, without); err != nil {
					t.Fatal(err)
				}
			}
			got := names(held(t, target.catalog, at))
			if len(got) != 5 || !strings.HasSuffix(got[3], " Lando") || !strings.HasSuffix(got[4], " Chewie") {
				t.Errorf("got %q, want the two new ones after the others", got)
			}
		})
	}
}

// Two locations can't share a name, and the error names the row.
func TestImportNameTaken(t *testing.T) {
	for _, target := range targets() {
		if target.catalog != "locations" {
			continue
		}
		t.Run(target.name, func(t *testing.T) {
			at := started(t, target)
			text := line("locations", 7, "Han") + line("locations", 8, "Leia") + line("locations", 0, "Han") + line("locations", 0, "leia")
			result, refused, err := transfer(t, "locations", at, ImportOptions{Partial: true}, file("f", exchange.JSONLines, text))
			if result.Taken != 2 || err != nil {
				t.Errorf("%d were taken (%v)", result.Taken, err)
			}
			checkRefused(t, refused, []string{"f: line 2: refused: the name is taken", "f: line 3: refused: the name is taken"})
			if n := len(held(t, "locations", at)); n != 4 {
				t.Errorf("%d locations", n)
			}
		})
	}
}

func TestImportFails(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	missing := ImportFile{Name: "missing", Open: func() (io.ReadCloser, error) { return nil, fs.ErrNotExist }}
	broken := ImportFile{Name: "broken", Format: exchange.JSONLines, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(line("heroes", 7, "Han")), failingReader{})), nil
	}}
	for _, c := range []struct {
		name    string
		ctx     context.Context
		file    ImportFile
		wantErr error
	}{
		{"a file that isn't there", t.Context(), missing, fs.ErrNotExist},
		{"a file that breaks off", t.Context(), broken, errBroken},
		{"interrupted", ended, file("f", exchange.JSONLines, line("heroes", 7, "Han")), context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := started(t, targets()[0])
			options := ImportOptions{Partial: true, Replace: true, Refused: func(string, error) { t.Error("a row was refused") }}
			result, err := Import(c.ctx, "heroes", at, []ImportFile{file("first", exchange.JSONLines, line("heroes", 8, "Lando")), c.file}, options)
			if err == nil || result.Taken != 0 {
				t.Errorf("%d rows were taken (%v)", result.Taken, err)
			}
			if !errors.Is(err, c.wantErr) && !strings.Contains(fmt.Sprint(err), c.wantErr.Error()) {
				t.Errorf("got %v, want %v", err, c.wantErr)
			}
			if diff := cmp.Diff([]string{"1 Luke", "51 Leia"}, names(held(t, "heroes", at))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

var errBroken = errors.New("the disk is broken")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }
