package main

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/test/engines"
)

// difficult contains JSON lines for each catalog, with every character that dumps escape or treat specially.
var difficult = map[string]string{
	"heroes": `{"id":5,"name":"it's \"q\" \\ \\n \\N \\.","otherName":"\t\n\r\b\f\u000b","level":7,"picture":"\\","powers":"a;b,c) -- /* $$ # é😀 \u001a %_"}
{"id":3,"name":"\\N","otherName":"\\.","level":0,"picture":"'","powers":"\\.\n\\."}
{"id":900,"name":"NULL","otherName":"","level":2147483647,"picture":"DELIMITER ;;\n","powers":"-"}
`,
	"locations": `{"id":5,"name":"it's \"q\" \\ \\n \\N","description":"\t\n\r\b\f\u000b a;b,c) -- /* $$ # é😀 \u001a %_\\%","picture":"\\","type":"MOON"}
{"id":3,"name":"\\N","description":"'),('","picture":"'","type":"CITY"}
{"id":900,"name":"NULL","description":"DELIMITER ;;\n","picture":"","type":"PLACE"}
`,
}

// Dumps made with the database server's own tool, and CSV exports, can be imported without loss.
func TestDumps(t *testing.T) {
	for _, d := range []struct {
		name     string
		catalogs []string
		dump     func(*testing.T, string, ...string) string
		options  []string
	}{
		{"pg_dump", []string{"heroes", "villains"}, pgDump, []string{
			"", "--inserts", "--column-inserts", "--data-only", "--inserts --rows-per-insert=100"}},
		{"mariadb-dump", []string{"locations"}, mariadbDump, []string{
			"", "--complete-insert", "--skip-extended-insert", "--skip-opt", "--compact", "--hex-blob --routines"}},
	} {
		t.Run(d.name+" difficult", func(t *testing.T) {
			server := onServer(t, d.catalogs[0])
			for _, catalog := range d.catalogs { // heroes and villains are in the same database
				rows := difficult[strings.ReplaceAll(catalog, "villains", "heroes")]
				invoke("import", catalog, write(t, "x.jsonl", rows), "--replace", server).check(t, exitOK)
				csv := write(t, "x.csv", "")
				invoke("export", catalog, "-o", csv, server).check(t, exitOK)
				importedLike(t, catalog, server, csv)
			}
			for _, options := range d.options {
				dump := write(t, "dump.sql", d.dump(t, server, strings.Fields(options)...))
				for _, catalog := range d.catalogs {
					importedLike(t, catalog, server, dump)
				}
			}
		})
		t.Run(d.name+" family", func(t *testing.T) {
			server := onServer(t, d.catalogs[0])
			rows := map[string]int{"heroes": 3458, "villains": 1797, "locations": 31}
			for _, catalog := range d.catalogs {
				file := filepath.Join("..", "..", "..", "shared", "data", "quarkus", "all-"+catalog+".sql")
				if _, err := os.Stat(file); err != nil {
					t.Skip("the data set of the Quarkus application is missing")
				}
				want := fmt.Sprint(rows[catalog], " ", catalog, " imported")
				invoke("import", catalog, file, "--replace", server).check(t, exitOK, want)
			}
			dump := write(t, "dump.sql", d.dump(t, server))
			for _, catalog := range d.catalogs {
				importedLike(t, catalog, server, dump)
			}
		})
	}
	server, store := onServer(t, "heroes"), seeded(t)
	invoke("export", "heroes", server).check(t, exitOK) // creates the table
	before := exported(t, "heroes", store)
	t.Run("rows without a column list are reported in one line", func(t *testing.T) {
		got := invoke("import", "heroes", write(t, "dump.sql", pgDump(t, server, "--inserts", "--data-only")), store)
		if got.code != exitError || strings.Count(got.stderr, "\n") != 2 || !strings.Contains(got.stderr, "more like it") ||
			!strings.Contains(got.stderr, "INSERT has no column list, and no preceding CREATE TABLE") {
			t.Errorf("got %+v", got)
		}
		holds(t, "heroes", store, before)
	})
	t.Run("a dump without the catalog's table", func(t *testing.T) {
		dump := write(t, "dump.sql", pgDump(t, server))
		invoke("import", "villains", dump, store).check(t, exitError, `rows of table "hero" and none of villain`, "nothing was changed")
	})
}

// importedLike checks that importing a dump yields exactly the rows that the server contains.
func importedLike(t *testing.T, catalog, server, file string) {
	t.Helper()
	store := fresh(t, catalog)
	invoke("import", catalog, file, "--replace", store).check(t, exitOK, " imported into ")
	holds(t, catalog, store, exported(t, catalog, server))
}

// pgDump returns pg_dump's output for a database.
func pgDump(t *testing.T, server string, options ...string) string {
	t.Helper()
	program, err := exec.LookPath(filepath.Join(os.Getenv(engines.PostgresBin), "pg_dump"))
	if err != nil {
		t.Skip(err)
	}
	return output(t, exec.CommandContext(t.Context(), program, append(options, strings.TrimPrefix(server, "--database-url="))...))
}

// mariadbDump returns mariadb-dump's output for a database.
func mariadbDump(t *testing.T, server string, options ...string) string {
	t.Helper()
	at, err := url.Parse(strings.TrimPrefix(server, "--mysql-url="))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	options = append(options, "--host="+at.Hostname(), "--port="+at.Port(), "--user="+at.User.Username(), strings.Trim(at.Path, "/"))
	command := exec.CommandContext(t.Context(), engines.Dumper(t), options...)
	command.Env = append(os.Environ(), "MYSQL_PWD="+password)
	return output(t, command)
}

func output(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	command.Stderr = &stderr
	text, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return string(text)
}
