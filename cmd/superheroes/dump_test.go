package main

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/engines"
)

// difficult contains rows, as JSON lines, with everything that dumps treat specially.
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

// A dump by the server's own program transfers a catalog from a server into a file.
func TestDumps(t *testing.T) {
	dumps := []struct {
		name    string
		flag    string
		catalog []string
		store   func(testing.TB) string
		dump    func(*testing.T, string, ...string) string
		options []string
	}{
		{"pg_dump", "--database-url=", []string{"heroes", "villains"}, engines.Postgres, pgDump, []string{"", "--inserts", "--column-inserts", "--data-only", "--inserts --rows-per-insert=100"}},
		{"mariadb-dump", "--mysql-url=", []string{"locations"}, engines.MySQL, mariadbDump, []string{"", "--complete-insert", "--skip-extended-insert", "--skip-opt", "--compact", "--hex-blob --routines"}},
	}
	for _, d := range dumps {
		for _, content := range []string{"shipped", "difficult", "family"} {
			t.Run(d.name+" "+content, func(t *testing.T) {
				server := d.flag + d.store(t)
				for _, catalog := range d.catalog { // heroes and villains share a database
					switch content {
					case "shipped":
						invoke("export", catalog, server).check(t, exitOK) // which creates it
					case "difficult":
						invoke("import", catalog, write(t, "x.jsonl", difficult[strings.ReplaceAll(catalog, "villains", "heroes")]), "--replace", server).check(t, exitOK)
					case "family":
						file := filepath.Join("..", "..", "..", "shared", "data", "quarkus", "all-"+catalog+".sql")
						if _, err := os.Stat(file); err != nil {
							t.Skip("the family's data set isn't here")
						}
						invoke("import", catalog, file, "--replace", server).check(t, exitOK)
					}
				}
				for _, options := range d.options {
					file := write(t, "dump.sql", d.dump(t, strings.TrimPrefix(server, d.flag), strings.Fields(options)...))
					for _, catalog := range d.catalog {
						store := d.flag + "sqlite:" + filepath.Join(t.TempDir(), "store.db")
						invoke("import", catalog, file, "--replace", store).check(t, exitOK, ", 0 rows refused")
						if diff := cmp.Diff(exported(t, catalog, server), exported(t, catalog, store)); diff != "" {
							t.Errorf("%s, options %q (-dumped +imported):\n%s", catalog, options, diff)
						}
					}
				}
			})
		}
	}
	t.Run("one line for all rows whose columns nobody names", func(t *testing.T) {
		server := engines.Postgres(t)
		invoke("export", "heroes", "--database-url="+server).check(t, exitOK)
		file, store := write(t, "dump.sql", pgDump(t, server, "--inserts", "--data-only")), seeded(t)
		before := exported(t, "heroes", store)
		got := invoke("import", "heroes", file, store)
		if got.code != exitError || strings.Count(got.stderr, "\n") != 2 || !strings.Contains(got.stderr, "INSERT has no column list, and no preceding CREATE TABLE") || !strings.Contains(got.stderr, "more like it") {
			t.Errorf("got %+v", got)
		}
		if exported(t, "heroes", store) != before {
			t.Error("the catalog was changed")
		}
	})
	t.Run("a dump without the table", func(t *testing.T) {
		server := engines.Postgres(t)
		invoke("export", "villains", "--database-url="+server).check(t, exitOK)
		file := write(t, "dump.sql", pgDump(t, server))
		invoke("import", "heroes", file, seeded(t)).check(t, exitError, `rows of table "villain" and none of hero`, "nothing was changed")
	})
}

// pgDump returns pg_dump's output for a database.
func pgDump(t *testing.T, server string, options ...string) string {
	t.Helper()
	program, err := exec.LookPath(filepath.Join(os.Getenv(engines.PostgresBin), "pg_dump"))
	if err != nil {
		t.Skip(err)
	}
	return output(t, exec.CommandContext(t.Context(), program, append(options, server)...))
}

// mariadbDump returns mariadb-dump's output for a database.
func mariadbDump(t *testing.T, server string, options ...string) string {
	t.Helper()
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	command := exec.CommandContext(t.Context(), engines.Dumper(t), append(options, "--host="+at.Hostname(), "--port="+at.Port(), "--user="+at.User.Username(), strings.Trim(at.Path, "/"))...)
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
