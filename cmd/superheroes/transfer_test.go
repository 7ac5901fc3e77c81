package main

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"

	"superheroes/test/engines"
)

// write creates a file in a temporary folder and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// silent returns an address that accepts connections and never responds.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

// seeded returns the flag of a data folder that holds the shipped roster.
func seeded(t *testing.T) string {
	t.Helper()
	store := "--data-dir=" + t.TempDir()
	invoke("migrate", store).check(t, exitOK)
	return store
}

// exported returns a catalog as JSON lines.
func exported(t *testing.T, catalog string, store ...string) string {
	t.Helper()
	got := invoke(append([]string{"export", catalog}, store...)...)
	if got.code != exitOK || got.stderr != "" {
		t.Fatalf("export: %+v", got)
	}
	return got.stdout
}

const (
	ant  = `{"id":1,"name":"Ant","otherName":"A","level":5,"picture":"/a","powers":"Small, \"Quick\""}` + "\n"
	bee  = `{"id":51,"name":"Bée 🐝","otherName":"","level":6,"picture":"","powers":""}` + "\n"
	wasp = `{"id":101,"name":"Wasp","otherName":"","level":0,"picture":"","powers":""}` + "\n"
)

func TestImportFormats(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"JSON lines", "x.jsonl", ant + bee, ant + bee},
		{"JSON lines without ids", "x.ndjson", `{"name":"Ant","otherName":"A","level":5,"picture":"/a","powers":"Small, \"Quick\""}` + "\n\n" + `{"name":"Bée 🐝","level":6}`, ant + bee},
		{"CSV", "x.csv", "id,name,otherName,level,picture,powers\n1,Ant,A,5,/a,\"Small, \"\"Quick\"\"\"\n51,Bée 🐝,,6,,\n", ant + bee},
		{"CSV in another order, with CRLF", "X.CSV", "level,name\r\n0,Other\r\n", `{"id":1,"name":"Other","otherName":"","level":0,"picture":"","powers":""}` + "\n"},
		{"CSV with semicolons, as a spreadsheet writes it", "x.csv", "\uFEFFsep=;\r\nid;name;otherName;level;picture;powers\r\n1;Ant;A;5;/a;\"Small, \"\"Quick\"\"\"\r\n51;Bée 🐝;;6;;\r\n", ant + bee},
		{"tabs in UTF-16, as a spreadsheet writes Unicode text", "x.csv", unicodeText("id\tname\totherName\tlevel\tpicture\tpowers\r\n1\tAnt\tA\t5\t/a\t\"Small, \"\"Quick\"\"\"\r\n51\tBée 🐝\t\t6\t\t\r\n"), ant + bee},
		{"SQL", "x.sql", "INSERT INTO hero(id, name, otherName, picture, powers, level)\nVALUES (nextval('hibernate_sequence'), 'Ant', 'A', '/a', 'Small, \"Quick\"', 5);\n" +
			"INSERT INTO hero(id, name, otherName, picture, powers, level) VALUES (nextval('hero_seq'), 'Bée 🐝', '', '', '', 6);", ant + bee},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := "--database-url=sqlite:" + filepath.Join(t.TempDir(), "heroes.db")
			emptied(t, store)
			invoke("import", "heroes", write(t, c.file, c.text), store).check(t, exitOK, " imported into ", "0 rows refused")
			if diff := cmp.Diff(c.want, exported(t, "heroes", store)); diff != "" {
				t.Errorf("heroes (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("several files at once", func(t *testing.T) {
		store := "--database-url=sqlite:" + filepath.Join(t.TempDir(), "heroes.db")
		invoke("import", "heroes", write(t, "a.jsonl", ant), write(t, "b.csv", "id,name\n101,Wasp\n"), "--replace", store).check(t, exitOK, "2 heroes imported")
		if diff := cmp.Diff(ant+wasp, exported(t, "heroes", store)); diff != "" {
			t.Errorf("heroes (-want +got):\n%s", diff)
		}
	})
	t.Run("the standard input", func(t *testing.T) {
		file, err := os.Open(write(t, "anything", ant))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		before := os.Stdin
		os.Stdin = file
		defer func() { os.Stdin = before }()
		store := "--database-url=sqlite:" + filepath.Join(t.TempDir(), "heroes.db")
		invoke("import", "heroes", "-", "--format=jsonl", "--replace", store).check(t, exitOK, "1 hero imported")
		if got := exported(t, "heroes", store); got != ant {
			t.Errorf("got %s", got)
		}
	})
	t.Run("a format beats the name", func(t *testing.T) {
		store := "--database-url=sqlite:" + filepath.Join(t.TempDir(), "heroes.db")
		invoke("import", "heroes", write(t, "x.csv", ant), "--format=jsonl", "--replace", store).check(t, exitOK, "1 hero imported")
	})
}

// unicodeText encodes a text in UTF-16 with a byte order mark.
func unicodeText(text string) string {
	encoded := []byte("\xff\xfe")
	for _, unit := range utf16.Encode([]rune(text)) {
		encoded = binary.LittleEndian.AppendUint16(encoded, unit)
	}
	return string(encoded)
}

// emptied creates the table without rows or a used sequence.
func emptied(t *testing.T, store string) {
	t.Helper()
	path := strings.TrimPrefix(store, "--database-url=sqlite:")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	const create = "CREATE TABLE hero (id INTEGER PRIMARY KEY AUTOINCREMENT, level INTEGER, name TEXT, otherName TEXT, picture TEXT, powers TEXT)"
	if _, err := db.ExecContext(t.Context(), create); err != nil {
		t.Fatal(err)
	}
}

// A file with rows that are refused.
func TestImportRefusals(t *testing.T) {
	mixed := ant + `{"id":51,"name":""}` + "\n" + bee + `{"id":101,"name":"Wasp","level":"high"}` + "\n" + wasp + "nonsense\n"
	file := write(t, "mixed.jsonl", mixed)
	for _, c := range []struct {
		name    string
		catalog string
		file    string
		lines   []string // that stderr must name
	}{
		{"JSON lines", "heroes", file, []string{file + ": line 2", file + ": line 4", "line 6"}},
		{"CSV", "heroes", write(t, "x.csv", "id,name,level\n1,Ant,5\n2,,5\n3,Bee\n4,Wasp,high\n5,Fly,-1\n"), []string{"line 3", "line 4", "line 5", "line 6"}},
		{"locations", "locations", write(t, "x.csv", "id,name,type\n1,Here,CITY\n2,There,NOWHERE\n3,Here,MOON\n"), []string{"line 3", "line 4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := seeded(t)
			before := exported(t, c.catalog, store)
			for _, args := range [][]string{{}, {"--replace"}} {
				got := invoke(append([]string{"import", c.catalog, c.file, store}, args...)...)
				if got.code != exitError || got.stdout != "" || !strings.Contains(got.stderr, "nothing was changed") || !strings.Contains(got.stderr, "--partial") {
					t.Errorf("%v: got %+v", args, got)
				}
				if lines := strings.Count(got.stderr, "\n"); lines != len(c.lines)+1 {
					t.Errorf("%v: got %d lines: %s", args, lines, got.stderr)
				}
				for _, line := range c.lines {
					if !strings.Contains(got.stderr, line) {
						t.Errorf("%v: %q is missing: %s", args, line, got.stderr)
					}
				}
				if diff := cmp.Diff(before, exported(t, c.catalog, store)); diff != "" {
					t.Errorf("%v: the catalog was changed (-want +got):\n%s", args, diff)
				}
			}
		})
	}
	t.Run("a reason that many rows have is told once", func(t *testing.T) {
		text := "id;name;level\n1;;5\n" + strings.Repeat("2;Bee;high\n", 100) + "3;Fly;low\n4;" + strings.Repeat("x", 51) + "\n5;;1\n"
		file, store := write(t, "x.csv", text), seeded(t)
		before := exported(t, "heroes", store)
		got := invoke("import", "heroes", file, store)
		want := file + ": line 2: refused: name is missing or empty … and 1 more like it, in line 105\n" +
			file + ": line 3, column level: \"high\" is not an integer of 32 bits … and 99 more like it, up to line 102\n" +
			file + ": line 103, column level: \"low\" is not an integer of 32 bits\n" +
			file + ": line 104: 2 fields, the header has 3\n" +
			"superheroes: 104 rows were refused and nothing was changed; --partial imports the others\n"
		if diff := cmp.Diff(outcome{exitError, "", want}, got, cmp.AllowUnexported(outcome{})); diff != "" {
			t.Error(diff)
		}
		if exported(t, "heroes", store) != before {
			t.Error("the catalog was changed")
		}
	})
	t.Run("reasons without number", func(t *testing.T) {
		var text strings.Builder
		text.WriteString("name,level\n")
		for i := range 1000 {
			fmt.Fprintf(&text, "x,%s%d\n", strings.Repeat("é", 1000), i)
		}
		for i := range 60 {
			fmt.Fprintf(&text, "x,no %d\n", i)
		}
		got := invoke("import", "heroes", write(t, "x.csv", text.String()), seeded(t))
		if !strings.Contains(got.stderr, "… and 11 rows with other reasons\nsuperheroes: 1060 rows were refused") || strings.Count(got.stderr, "\n") != 52 || !utf8.ValidString(got.stderr) {
			t.Errorf("got %s", got.stderr)
		}
	})
	t.Run("one row", func(t *testing.T) {
		file, store := write(t, "x.csv", "name\nx\n\"\"\n"), seeded(t)
		if got := invoke("import", "heroes", file, store); !strings.HasSuffix(got.stderr, "superheroes: 1 row was refused and nothing was changed; --partial imports the others\n") {
			t.Errorf("got %+v", got)
		}
		if got := invoke("import", "heroes", file, store, "--partial"); got.code != exitOK || !strings.HasPrefix(got.stdout, "1 hero imported into ") || !strings.HasSuffix(got.stdout, ", 1 row refused\n") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("partial", func(t *testing.T) {
		store := "--data-dir=" + t.TempDir()
		got := invoke("import", "heroes", file, "--partial", "--replace", store)
		if got.code != exitOK || got.stdout != fmt.Sprintf("3 heroes imported into %s/heroes.db, 3 rows refused\n", strings.TrimPrefix(store, "--data-dir=")) || strings.Count(got.stderr, "\n") != 3 {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff(ant+bee+wasp, exported(t, "heroes", store)); diff != "" {
			t.Errorf("heroes (-want +got):\n%s", diff)
		}
	})
	t.Run("idempotent by id", func(t *testing.T) {
		store := "--data-dir=" + t.TempDir()
		whole := write(t, "x.jsonl", ant+bee)
		invoke("import", "heroes", whole, store).check(t, exitOK)
		once := exported(t, "heroes", store)
		invoke("import", "heroes", whole, store).check(t, exitOK)
		if diff := cmp.Diff(once, exported(t, "heroes", store)); diff != "" {
			t.Errorf("heroes (-once +twice):\n%s", diff)
		}
		if !strings.HasPrefix(once, ant) {
			t.Errorf("the first was not overwritten: %.300s", once)
		}
	})
	t.Run("a file that isn't there", func(t *testing.T) {
		invoke("import", "heroes", filepath.Join(t.TempDir(), "nobody.csv"), "--data-dir="+t.TempDir()).check(t, exitError, "nobody.csv")
	})
	t.Run("a header that can't be", func(t *testing.T) {
		invoke("import", "heroes", write(t, "x.csv", "id,colour\n1,red\n"), "--data-dir="+t.TempDir()).check(t, exitError, "line 1", "colour", "nothing was changed")
	})
}

// Each catalog survives an export and an import into an empty store of each engine.
func TestRoundTrip(t *testing.T) {
	for _, catalog := range []string{"heroes", "villains", "locations"} {
		shipped := seeded(t)
		want := exported(t, catalog, shipped)
		for engine, url := range map[string]func(*testing.T) string{
			"SQLite": func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "store.db") },
			"a server": func(t *testing.T) string {
				if catalog == "locations" {
					return engines.MySQL(t)
				}
				return engines.Postgres(t)
			},
		} {
			for _, format := range []string{"jsonl", "csv"} {
				t.Run(catalog+" as "+format+" into "+engine, func(t *testing.T) {
					flag := "--database-url="
					if catalog == "locations" {
						flag = "--mysql-url="
					}
					store := flag + url(t)
					file := filepath.Join(t.TempDir(), "all."+format)
					invoke("export", catalog, "-o", file, shipped).check(t, exitOK)
					invoke("import", catalog, file, "--replace", store).check(t, exitOK)
					if diff := cmp.Diff(want, exported(t, catalog, store)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", catalog, diff)
					}
				})
			}
		}
	}
}

func TestExport(t *testing.T) {
	store := seeded(t)
	t.Run("a store that isn't there is not made", func(t *testing.T) {
		dir := t.TempDir()
		invoke("export", "heroes", "--data-dir="+dir).check(t, exitError, "heroes.db", "--data-dir")
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("it left %v, %v", left, err)
		}
	})
	t.Run("up's own setting names the store", func(t *testing.T) {
		t.Setenv("HEROES_DATABASE_URL", "sqlite:"+filepath.Join(strings.TrimPrefix(store, "--data-dir="), "heroes.db"))
		invoke("export", "heroes", "--data-dir="+t.TempDir()).check(t, exitOK, "Yoda")
	})
	t.Run("CSV to the standard output", func(t *testing.T) {
		invoke("export", "heroes", "--format=csv", store).check(t, exitOK, "id,name,otherName,level,picture,powers\n1,Yoda,")
	})
	t.Run("a folder that isn't there", func(t *testing.T) {
		invoke("export", "heroes", "-o", filepath.Join(t.TempDir(), "nobody", "x.csv"), store).check(t, exitError, "nobody")
	})
	t.Run("an empty catalog makes an empty file", func(t *testing.T) {
		empty, file := "--database-url=sqlite:"+filepath.Join(t.TempDir(), "heroes.db"), filepath.Join(t.TempDir(), "x.jsonl")
		emptied(t, empty)
		invoke("export", "heroes", "-o", file, empty).check(t, exitOK)
		if text, err := os.ReadFile(file); err != nil || len(text) != 0 {
			t.Errorf("the file is %q (%v)", text, err)
		}
	})
	t.Run("a store that isn't there leaves the file", func(t *testing.T) {
		file := write(t, "x.jsonl", ant)
		invoke("export", "heroes", "-o", file, "--database-url=sqlite:"+t.TempDir()+"/nobody/heroes.db").check(t, exitError, "heroes.db")
		if text, err := os.ReadFile(file); err != nil || string(text) != ant {
			t.Errorf("the file is %q (%v)", text, err)
		}
	})
}

func TestMigrate(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		store := "--data-dir=" + filepath.Join(t.TempDir(), "data")
		migrateTwice(t, "sqlite", store)
		if got := strings.Count(exported(t, "heroes", store), "\n"); got < 100 {
			t.Errorf("%d heroes were shipped", got)
		}
	})
	t.Run("servers", func(t *testing.T) {
		heroes := engines.Postgres(t)
		migrateTwice(t, "postgresql", "--data-dir="+t.TempDir(), "--heroes-database-url="+heroes, "--villains-database-url="+engines.Postgres(t),
			"--locations-mysql-url="+engines.MySQL(t), "--fights-mongodb-url="+engines.MongoDB(t))
		if got := strings.Count(exported(t, "heroes", "--database-url="+heroes), "\n"); got < 100 {
			t.Errorf("%d heroes were shipped", got)
		}
	})
	t.Run("a table that was found is left alone", func(t *testing.T) {
		url := engines.Postgres(t)
		db, err := sql.Open("pgx", url)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		const found = `CREATE TABLE hero (id int8 PRIMARY KEY, level int4, name varchar(50), othername varchar(255), picture varchar(255), powers text);
			INSERT INTO hero (id, level, name) VALUES (101, 0, 'Wasp')`
		if _, err := db.ExecContext(t.Context(), found); err != nil {
			t.Fatal(err)
		}
		migrateTwice(t, "postgresql", "--data-dir="+t.TempDir(), "--heroes-database-url="+url)
		if got := exported(t, "heroes", "--database-url="+url); got != wasp {
			t.Errorf("got %s", got)
		}
	})
}

// migrateTwice migrates twice and checks that the second run prints the same.
func migrateTwice(t *testing.T, engine string, args ...string) {
	t.Helper()
	for _, service := range []string{"heroes", "villains", "locations", "fights"} {
		args = append(args, "--"+service+"-store-wait=5m") // a busy server may not be available yet
	}
	first := invoke(append([]string{"migrate"}, args...)...)
	first.check(t, exitOK, "heroes     ready in "+engine, "villains   ready in", "locations  ready in", "fights     ready in")
	if second := invoke(append([]string{"migrate"}, args...)...); second != first {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

// When the server rejects a password, the error reveals neither it nor the right one.
func TestWrongPassword(t *testing.T) {
	for command, store := range map[string]func(*testing.T) string{
		"heroes --database-url=": func(t *testing.T) string { return engines.Postgres(t) },
		"locations --mysql-url=": func(t *testing.T) string { return engines.MySQL(t) },
	} {
		t.Run(command, func(t *testing.T) {
			before, behind, _ := strings.Cut(store(t), "@")
			user := before[:strings.LastIndex(before, ":")]
			args := append(strings.Fields(command+user+":hidden@"+behind), "--addr=127.0.0.1:0", "--store-wait=1s")
			got := invoke(args...)
			got.check(t, exitError, "-url")
			if strings.Contains(got.stderr, "hidden") {
				t.Errorf("the password is revealed: %s", got.stderr)
			}
		})
	}
}
