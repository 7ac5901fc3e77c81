package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"

	"superheroes/test/engines"
)

// write writes a file in a temporary folder, and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// seeded returns the flag for a new data folder that contains the shipped roster.
func seeded(t *testing.T) string {
	t.Helper()
	store := "--data-dir=" + t.TempDir()
	invoke("migrate", store).check(t, exitOK)
	return store
}

// fresh returns the flag for a catalog's embedded store that doesn't exist yet.
func fresh(t *testing.T, catalog string) string {
	t.Helper()
	return storeFlag(catalog) + "sqlite:" + filepath.Join(t.TempDir(), "store.db")
}

// onServer returns the flag for a catalog's store on a database server.
func onServer(t *testing.T, catalog string) string {
	t.Helper()
	if catalog == "locations" {
		return storeFlag(catalog) + engines.MySQL(t)
	}
	return storeFlag(catalog) + engines.Postgres(t)
}

func storeFlag(catalog string) string {
	if catalog == "locations" {
		return "--mysql-url="
	}
	return "--database-url="
}

// exported returns the exported content of a catalog as JSON lines.
func exported(t *testing.T, catalog, store string) string {
	t.Helper()
	got := invoke("export", catalog, store)
	got.check(t, exitOK)
	return got.stdout
}

// holds checks that a catalog has the expected content.
func holds(t *testing.T, catalog, store, want string) {
	t.Helper()
	if diff := cmp.Diff(want, exported(t, catalog, store)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", catalog, diff)
	}
}

const (
	ant  = `{"id":1,"name":"Ant","otherName":"A","level":5,"picture":"/a","powers":"Small, \"Quick\""}` + "\n"
	bee  = `{"id":51,"name":"Bée 🐝","otherName":"","level":6,"picture":"","powers":""}` + "\n"
	wasp = `{"id":101,"name":"Wasp","otherName":"","level":0,"picture":"","powers":""}` + "\n"
)

// A file's extension determines its format unless --format is given.
func TestImportFormats(t *testing.T) {
	const csv, tabs = "id,name\n101,Wasp\n", "id\tname\n101\tWasp\n"
	stdin, err := os.Open(write(t, "anything", wasp))
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	before := os.Stdin
	os.Stdin = stdin
	defer func() { os.Stdin = before }()
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"JSON lines", []string{write(t, "x.jsonl", ant), write(t, "x.ndjson", "\n"+bee)}, ant + bee},
		{"several formats", []string{write(t, "x.jsonl", ant), write(t, "X.CSV", tabs)}, ant + wasp},
		{"SQL", []string{write(t, "x.sql", "INSERT INTO hero(id, name, level) VALUES (101, 'Wasp', 0);")}, wasp},
		{"a flag", []string{"--format=csv", write(t, "x.jsonl", csv)}, wasp},
		{"standard input", []string{"--format=jsonl", "-"}, wasp},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := fresh(t, "heroes")
			invoke(append([]string{"import", "heroes", "--replace", store}, c.files...)...).check(t, exitOK, " imported into ")
			holds(t, "heroes", store, c.want)
		})
	}
}

// If rows are refused, the reasons are printed and nothing is changed; with --partial, the valid rows are imported.
func TestImportRefusals(t *testing.T) {
	var long strings.Builder
	long.WriteString("name,level\n")
	for i := range 1000 {
		fmt.Fprintf(&long, "x,%s%d\n", strings.Repeat("é", 1000), i)
	}
	for i := range 60 {
		fmt.Fprintf(&long, "x,no %d\n", i)
	}
	repeated := "id;name;level\n1;;5\n" + strings.Repeat("2;Bee;high\n", 100) + "3;Fly;low\n4;" + strings.Repeat("x", 51) + "\n5;;1\n"
	for _, c := range []struct {
		name, catalog, file, text string
		want                      []string // complete or partial lines of stderr; FILE stands for the file's path
		lines                     int
	}{
		{"JSON lines", "heroes", "x.jsonl", ant + `{"id":51,"name":""}` + "\n" + bee + `{"id":101,"name":"Wasp","level":"high"}` + "\n" + wasp + "nonsense\n",
			[]string{"FILE: line 2", "FILE: line 4", "FILE: line 6", "superheroes: 3 rows were refused and nothing was changed; --partial imports the others\n"}, 4},
		{"a name that is already taken", "locations", "x.csv", "id,name,type\n1,Here,CITY\n2,There,NOWHERE\n3,Here,MOON\n",
			[]string{"FILE: line 3", "FILE: line 4"}, 3},
		{"one row", "heroes", "x.csv", "name\nx\n\"\"\n", []string{"superheroes: 1 row was refused and nothing was changed; --partial imports the others\n"}, 2},
		{"rows refused for the same reason", "heroes", "x.csv", repeated, []string{
			"FILE: line 2: refused: name is missing or empty … and 1 more like it, on line 105\n",
			"FILE: line 3, column level: \"high\" is not a 32-bit integer … and 99 more like it, up to line 102\n",
			"FILE: line 103, column level: \"low\" is not a 32-bit integer\n",
			"FILE: line 104: 2 fields, but the header has 3\n",
			"superheroes: 104 rows were refused and nothing was changed; --partial imports the others\n"}, 5},
		{"many long reasons", "heroes", "x.csv", long.String(), []string{"… and 11 rows refused for other reasons\nsuperheroes: 1060 rows were refused"}, 52},
		{"another header", "heroes", "x.csv", "id,colour\n1,red\n", []string{"line 1", "colour", "nothing was changed"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, file := seeded(t), write(t, c.file, c.text)
			before := exported(t, c.catalog, store)
			got := invoke("import", c.catalog, file, "--replace", store)
			if got.code != exitError || got.stdout != "" || strings.Count(got.stderr, "\n") != c.lines || !utf8.ValidString(got.stderr) || goWords.MatchString(got.stderr) {
				t.Errorf("got %+v", got)
			}
			for _, want := range c.want {
				if want = strings.ReplaceAll(want, "FILE", file); !strings.Contains(got.stderr, want) {
					t.Errorf("stderr lacks %q: %s", want, got.stderr)
				}
			}
			holds(t, c.catalog, store, before)
		})
	}
	t.Run("partial", func(t *testing.T) {
		store := fresh(t, "heroes")
		got := invoke("import", "heroes", write(t, "x.jsonl", ant+"nonsense\n"+bee), "--partial", "--replace", store)
		want := fmt.Sprintf("2 heroes imported into %s; 1 row was refused\n", strings.TrimPrefix(store, "--database-url=sqlite:"))
		if got.code != exitOK || got.stdout != want || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("got %+v, want %s", got, want)
		}
		holds(t, "heroes", store, ant+bee)
	})
	invoke("import", "heroes", "/nowhere/nobody.csv", "--data-dir="+t.TempDir()).check(t, exitError, "nobody.csv")
}

func TestExport(t *testing.T) {
	store := seeded(t)
	t.Run("exporting from a missing store does not create it", func(t *testing.T) {
		dir, file := t.TempDir(), write(t, "x.jsonl", ant)
		invoke("export", "heroes", "-o", file, "--data-dir="+dir).check(t, exitError, "heroes.db", "--data-dir")
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("it left %v, %v", left, err)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != ant {
			t.Errorf("the failed export changed the file to %q (%v)", text, err)
		}
	})
	t.Run("the store URL is set in HEROES_DATABASE_URL", func(t *testing.T) {
		t.Setenv("HEROES_DATABASE_URL", "sqlite:"+filepath.Join(strings.TrimPrefix(store, "--data-dir="), "heroes.db"))
		invoke("export", "heroes", "--data-dir="+t.TempDir()).check(t, exitOK, "Yoda")
	})
	invoke("export", "heroes", "--format=csv", store).check(t, exitOK,
		"id,name,otherName,level,picture,powers\n1,Yoda,", "wrote 120 heroes to standard output\n")
	t.Run("one row to a file", func(t *testing.T) {
		store, file := fresh(t, "heroes"), filepath.Join(t.TempDir(), "x.csv")
		invoke("import", "heroes", write(t, "x.jsonl", ant), "--replace", store).check(t, exitOK, "1 hero imported into ")
		if got, want := invoke("export", "heroes", "-o", file, store), "wrote 1 hero to "+file+"\n"; got != (outcome{exitOK, "", want}) {
			t.Errorf("got %+v, want %q on stderr", got, want)
		}
	})
	invoke("export", "heroes", "-o", filepath.Join(t.TempDir(), "nobody", "x.csv"), store).check(t, exitError, "nobody")
}

func TestMigrate(t *testing.T) {
	for name, stores := range map[string]func(t *testing.T) []string{
		"sqlite": func(t *testing.T) []string { return []string{"--data-dir=" + filepath.Join(t.TempDir(), "data")} },
		"postgresql": func(t *testing.T) []string {
			heroes := engines.Postgres(t)
			db, err := sql.Open("pgx", heroes)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			const found = `CREATE TABLE hero (id int8 PRIMARY KEY, level int4, name varchar(50), othername varchar(255), picture varchar(255), powers text);
				INSERT INTO hero (id, level, name) VALUES (101, 0, 'Wasp')` // is left unchanged
			if _, err := db.ExecContext(t.Context(), found); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { holds(t, "heroes", "--database-url="+heroes, wasp) })
			return []string{"--data-dir=" + t.TempDir(), "--heroes-database-url=" + heroes, "--villains-database-url=" + engines.Postgres(t),
				"--locations-mysql-url=" + engines.MySQL(t), "--fights-mongodb-url=" + engines.MongoDB(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"migrate"}, stores(t)...)
			for _, service := range []string{"heroes", "villains", "locations", "fights"} {
				args = append(args, "--"+service+"-store-wait=5m") // on a busy machine, the server may not be available yet
			}
			first := invoke(args...)
			first.check(t, exitOK, "heroes     ready in "+name, "villains   ready in", "locations  ready in", "fights     ready in")
			if second := invoke(args...); second != first {
				t.Errorf("first %+v, then %+v", first, second)
			}
		})
	}
}

// The same seed generates the same entries in every engine. If names must be unique, entries whose names are taken are
// skipped, so seeding a catalog a second time continues the sequence of entries.
func TestSeed(t *testing.T) {
	for _, catalog := range []string{"heroes", "villains", "locations"} {
		t.Run(catalog, func(t *testing.T) {
			store := seeded(t)
			before := exported(t, catalog, store)
			invoke("seed", catalog, "--count=1200", store).check(t, exitOK, "1200 "+catalog+" generated in ")
			after := exported(t, catalog, store)
			if added, found := strings.CutPrefix(after, before); !found || strings.Count(added, "\n") != 1200 {
				t.Errorf("%d lines before seeding, %d after; old lines first: %t", strings.Count(before, "\n"), strings.Count(after, "\n"), found)
			}
			invoke("seed", catalog, "--count=5", "--seed=2", "--replace", store).check(t, exitOK)
			if left := exported(t, catalog, store); strings.Count(left, "\n") != 5 || strings.Contains(after, strings.Split(left, "\n")[0]) {
				t.Errorf("after --replace with another seed, the catalog contains:\n%s", left)
			}
			server := onServer(t, catalog)
			if catalog == "locations" {
				invoke("seed", catalog, "--count=600", server).check(t, exitOK)
				invoke("seed", catalog, "--count=600", server).check(t, exitOK)
			} else {
				invoke("seed", catalog, "--count=1200", server).check(t, exitOK)
			}
			withoutIDs := func(lines string) (all []string) {
				for line := range strings.Lines(lines) {
					_, rest, _ := strings.Cut(line, ",")
					all = append(all, rest)
				}
				return all
			}
			if diff := cmp.Diff(withoutIDs(after), withoutIDs(exported(t, catalog, server))); diff != "" {
				t.Errorf("(-embedded +server):\n%s", diff)
			}
		})
	}
}
