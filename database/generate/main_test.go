package main

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"superheroes/database"
	"superheroes/internal/app"
	"superheroes/internal/exchange"
	"superheroes/test/engines"
)

func TestFilesAreNotStale(t *testing.T) {
	made, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range made {
		t.Run(name, func(t *testing.T) {
			got, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("run `go run ./database/generate` (-generated, +committed):\n%s", diff)
			}
		})
	}
}

func TestQuotes(t *testing.T) {
	tests := []struct{ name, text, postgres, mysql string }{
		{"plain", "Yoda", `'Yoda'`, `'Yoda'`},
		{"an apostrophe", "O'Neil", `'O''Neil'`, `'O''Neil'`},
		{"a backslash", `a\b`, `'a\b'`, `'a\\b'`},
		{"a backslash before an apostrophe", `\'`, `'\'''`, `'\\'''`},
		{"beyond ASCII", "Ælf 🦸", `'Ælf 🦸'`, `'Ælf 🦸'`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := quotePostgres(test.text); got != test.postgres {
				t.Errorf("PostgreSQL: got %s, want %s", got, test.postgres)
			}
			if got := quoteMySQL(test.text); got != test.mysql {
				t.Errorf("MySQL: got %s, want %s", got, test.mysql)
			}
		})
	}
}

// The services accept the tables unchanged, find exactly the shipped roster in them, and assign ids greater than the
// roster's.
func TestServicesAcceptTheTables(t *testing.T) {
	made, err := files()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		catalog, file, newRow string
		roster                []byte
		open                  func(t *testing.T, file string) app.CatalogStore
	}{
		{"heroes", "database/heroes-db/init/heroes.sql", `{"name":"Newcomer","level":1}`, database.Heroes(), onPostgres},
		{"villains", "database/villains-db/init/villains.sql", `{"name":"Newcomer","level":1}`, database.Villains(), onPostgres},
		{"locations", "database/locations-db/init/initialize-tables.sql", `{"name":"Newtown","type":"CITY"}`, database.Locations(), onMySQL},
	}
	for _, test := range tests {
		t.Run(test.catalog, func(t *testing.T) {
			store := test.open(t, made[test.file])
			if diff := cmp.Diff(string(test.roster), exported(t, test.catalog, store)); diff != "" {
				t.Errorf("the roster (-) and the exported rows (+) differ:\n%s", diff)
			}
			addRow(t, test.catalog, store, test.newRow)
			lines := strings.Split(strings.TrimSpace(exported(t, test.catalog, store)), "\n")
			if want := bytes.Count(test.roster, []byte("\n")) + 1; len(lines) != want || !strings.Contains(lines[want-1], `"New`) {
				t.Errorf("exported %d rows, the last of which is %s; want %d with the new row last", len(lines), lines[len(lines)-1], want)
			}
		})
	}
}

func exported(t *testing.T, catalog string, store app.CatalogStore) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := app.Export(t.Context(), catalog, store, exchange.JSONLines, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// addRow imports a row without an id.
func addRow(t *testing.T, catalog string, store app.CatalogStore, row string) {
	t.Helper()
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(row + "\n")), nil }
	_, err := app.Import(t.Context(), catalog, store, []app.ImportFile{{Name: "new", Format: exchange.JSONLines, Open: open}},
		app.ImportOptions{Refused: func(_ string, cause error) { t.Error(cause) }})
	if err != nil {
		t.Fatal(err)
	}
}

// onPostgres runs the script as a new PostgreSQL server would, and checks that the sequence returns an unused id.
func onPostgres(t *testing.T, file string) app.CatalogStore {
	t.Helper()
	url := engines.Postgres(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if err := conn.PgConn().Exec(t.Context(), file).Close(); err != nil {
		t.Fatalf("running the file: %v", err)
	}
	var table string
	if err := conn.QueryRow(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").Scan(&table); err != nil {
		t.Fatal(err)
	}
	var next, highest int64
	err = conn.QueryRow(t.Context(), "SELECT nextval('"+table+"_seq'), (SELECT max(id) FROM "+table+")").Scan(&next, &highest)
	if err != nil {
		t.Fatal(err)
	}
	if next <= highest {
		t.Errorf("the sequence returned %d, but the highest id is %d", next, highest)
	}
	return app.CatalogStore{DatabaseURL: url}
}

func onMySQL(t *testing.T, file string) app.CatalogStore {
	t.Helper()
	url := engines.MySQL(t)
	account, rest, _ := strings.Cut(strings.TrimPrefix(url, "mysql://"), "@")
	addr, name, _ := strings.Cut(rest, "/")
	config := mysql.NewConfig()
	config.User, config.Passwd, _ = strings.Cut(account, ":")
	config.Net, config.Addr, config.DBName, config.MultiStatements = "tcp", addr, name, true
	db, err := sql.Open("mysql", config.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), file); err != nil {
		t.Fatalf("running the file: %v", err)
	}
	return app.CatalogStore{MysqlURL: url}
}
