package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/location"
	"superheroes/internal/sqlite"
	"superheroes/internal/storage"
)

// openFound opens a file in which another program, whose connection it also returns, has run the statements.
func openFound[T catalog.Item](t *testing.T, kind catalog.Kind[T], schema string, statements ...string) (*sqlite.Catalog[T], *sql.DB, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "found.db")
	other := otherSQLite(t, path)
	run(t, other, statements...)
	store, err := sqlite.OpenCatalog(t.Context(), path, kind.Table, schema, func(put func(T) error) error { return put(kind.Example) })
	if err == nil {
		t.Cleanup(func() { _ = store.Close() })
	}
	return store, other, path, err
}

func run(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// requests returns the calls made for requests, including readiness.
func requests[T catalog.Item](store catalog.Store[T], example T) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Ping": store.Ping,
		"Get":  func(ctx context.Context) error { _, err := store.Get(ctx, example.Key()); return err },
		"Page": func(ctx context.Context) error { _, err := store.Page(ctx, 0, 10); return err },
		"Write": func(ctx context.Context) error {
			_, err := store.Write(ctx, example.Key(), func(*T) (*T, error) { return &example, nil })
			return err
		},
	}
}

// A table of a different shape is reported at startup, with its column and the file.
func TestSQLiteDifferentColumns(t *testing.T) {
	_, _, path, err := openFound(t, character.Heroes(), database.SQLiteCharacter,
		"CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT, other_name TEXT, level INTEGER, picture TEXT, powers TEXT)")
	if !errors.Is(err, storage.ErrSchema) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "otherName") {
		t.Errorf("got %v", err)
	}
}

// While a table or column is renamed, every request and readiness fail; they recover when it has its name again.
func TestSQLiteRenamed(t *testing.T) {
	store, other, path, err := openFound(t, character.Heroes(), database.SQLiteCharacter)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"ALTER TABLE hero RENAME TO champion", "ALTER TABLE champion RENAME TO hero"},
		{"ALTER TABLE hero RENAME COLUMN powers TO skills", "ALTER TABLE hero RENAME COLUMN skills TO powers"},
	} {
		run(t, other, c[0])
		for name, request := range requests(store, character.Heroes().Example) {
			if err := request(t.Context()); !errors.Is(err, storage.ErrSchema) || errors.Is(err, catalog.ErrMaybeWritten) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: %v", c[0], name, err)
			}
		}
		run(t, other, c[1])
		for name, request := range requests(store, character.Heroes().Example) {
			if err := request(t.Context()); err != nil {
				t.Errorf("%s, %s: %v", c[1], name, err)
			}
		}
	}
}

// A NOT NULL violation in a foreign column is not reported as a taken name.
func TestSQLiteForeignNotNullColumn(t *testing.T) {
	store, _, _, err := openFound(t, character.Heroes(), database.SQLiteCharacter,
		"CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT, otherName TEXT, level INTEGER, picture TEXT, powers TEXT, weight INTEGER NOT NULL)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Write(t.Context(), 0, func(*character.Character) (*character.Character, error) {
		return &character.Character{Name: "a"}, nil
	})
	if !errors.Is(err, storage.ErrSchema) || errors.Is(err, catalog.ErrRefused) || !strings.Contains(err.Error(), "weight") {
		t.Errorf("got %v", err)
	}
}

// A change that a trigger silently drops isn't acknowledged.
func TestSQLiteDroppedChanges(t *testing.T) {
	heroes, other, _, err := openFound(t, character.Heroes(), database.SQLiteCharacter)
	if err != nil {
		t.Fatal(err)
	}
	run(t, other, "INSERT INTO hero (id, name, level) VALUES (7, 'kept', 1)")
	run(t, other, "CREATE TRIGGER no_update BEFORE UPDATE ON hero BEGIN SELECT RAISE(IGNORE); END")
	run(t, other, "CREATE TRIGGER no_delete BEFORE DELETE ON hero BEGIN SELECT RAISE(IGNORE); END")
	run(t, other, "CREATE TRIGGER no_insert BEFORE INSERT ON hero BEGIN SELECT RAISE(IGNORE); END")
	added := &character.Character{ID: 8, Name: "added"}
	if _, err := heroes.Write(t.Context(), 0, func(*character.Character) (*character.Character, error) { return added, nil }); !errors.Is(err, storage.ErrSchema) {
		t.Errorf("a new row: got %v", err)
	}
	if err := heroes.Import(t.Context(), false, func(put func(character.Character) error) error { return put(*added) }); !errors.Is(err, storage.ErrSchema) {
		t.Errorf("an import: got %v", err)
	}
	for _, item := range []*character.Character{{Name: "changed"}, nil} {
		_, err := heroes.Write(t.Context(), 7, func(*character.Character) (*character.Character, error) { return item, nil })
		if !errors.Is(err, storage.ErrSchema) || errors.Is(err, catalog.ErrMaybeWritten) {
			t.Errorf("%v: got %v", item, err)
		}
	}
}

// A row with a value outside the contract is named in the error; the other rows are served.
func TestSQLiteUnreadableRows(t *testing.T) {
	heroes, other, _, err := openFound(t, character.Heroes(), database.SQLiteCharacter)
	if err != nil {
		t.Fatal(err)
	}
	run(t, other, "INSERT INTO hero (id, name, level) VALUES (7, 'bad', 1), (8, 'good', 1)")
	for _, level := range []string{"'strong'", "5000000000", "-1", "1.5"} {
		run(t, other, "UPDATE hero SET level = "+level+" WHERE id = 7")
		checkRow(t, heroes, "hero", level, 7, 8)
	}
	run(t, other, "UPDATE hero SET level = 'strong' WHERE id = 7")
	var row *storage.RowError
	if _, err := heroes.Write(t.Context(), 7, func(old *character.Character) (*character.Character, error) {
		return old, catalog.ErrUnreadable
	}); !errors.As(err, &row) || row.ID != "7" {
		t.Errorf("changing an unreadable row: %v", err)
	}
	replaced := character.Character{ID: 7, Name: "mended"}
	if _, err := heroes.Write(t.Context(), 7, func(old *character.Character) (*character.Character, error) {
		if old != nil {
			t.Errorf("the change got %v", old)
		}
		return &replaced, nil
	}); err != nil {
		t.Errorf("replacing it: %v", err)
	}
	if got, err := heroes.Get(t.Context(), 7); got != replaced || err != nil {
		t.Errorf("replaced: got %v and %v", got, err)
	}
	places, other, _, err := openFound(t, location.Locations(), database.SQLiteLocation,
		"CREATE TABLE locations (id INTEGER PRIMARY KEY, name TEXT, description TEXT, picture TEXT, type INTEGER)",
		"INSERT INTO locations (id, name, type) VALUES (7, 'bad', 0), (8, 'good', NULL)")
	if err != nil {
		t.Fatal(err)
	}
	checkRow(t, places, "location", "a number for a type", 7, 8)
	run(t, other, "UPDATE locations SET type = 'CITY' WHERE id = 7")
	if _, err := places.Get(t.Context(), 7); err != nil {
		t.Errorf("repaired: %v", err)
	}
}

func checkRow[T catalog.Item](t *testing.T, store catalog.Store[T], what, value string, bad, good int64) {
	t.Helper()
	_, one := store.Get(t.Context(), bad)
	_, page := store.Page(t.Context(), 0, 10)
	for request, err := range map[string]error{"Get": one, "Page": page} {
		var row *storage.RowError
		if !errors.As(err, &row) || row.ID != "7" || row.What != what {
			t.Errorf("%s, %s: %v", value, request, err)
		}
	}
	if _, err := store.Get(t.Context(), good); err != nil {
		t.Errorf("%s, another row: %v", value, err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("%s, readiness: %v", value, err)
	}
}

// A change whose file is removed while it is made is not confirmed, and neither is any later one.
func TestSQLiteRemovedWithinAWrite(t *testing.T) {
	for name, write := range map[string]func(*sqlite.Catalog[character.Character], func() error) error{
		"Write": func(s *sqlite.Catalog[character.Character], remove func() error) error {
			_, err := s.Write(t.Context(), 1, func(old *character.Character) (*character.Character, error) { return old, remove() })
			return err
		},
		"Import": func(s *sqlite.Catalog[character.Character], remove func() error) error {
			return s.Import(t.Context(), true, func(put func(character.Character) error) error {
				return errors.Join(put(character.Heroes().Example), remove())
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, other, path, err := openFound(t, character.Heroes(), database.SQLiteCharacter)
			if err != nil {
				t.Fatal(err)
			}
			_ = other.Close()
			err = write(store, func() error { return os.Remove(path) })
			if !errors.Is(err, catalog.ErrMaybeWritten) || !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v", err)
			}
			for name, request := range requests(store, character.Heroes().Example) {
				if err := request(t.Context()); !errors.Is(err, storage.ErrDamaged) || errors.Is(err, catalog.ErrMaybeWritten) {
					t.Errorf("%s after that: %v", name, err)
				}
			}
		})
	}
}

// A table whose first page is damaged is reported when the store is opened, not by the first request.
func TestSQLiteDamagedTable(t *testing.T) {
	kind := character.Heroes()
	path := filepath.Join(t.TempDir(), "damaged.db")
	open := func() (*sqlite.Catalog[character.Character], error) {
		return sqlite.OpenCatalog(t.Context(), path, kind.Table, database.SQLiteCharacter, func(put func(character.Character) error) error { return put(kind.Example) })
	}
	store, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	var page int64
	other := otherSQLite(t, path)
	if err := other.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = 'hero'").Scan(&page); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	contents, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const size = 8192
	copy(contents[(page-1)*size:page*size], strings.Repeat("no page ", size/8))
	if err := os.WriteFile(path, contents, 0o600); err != nil {
		t.Fatal(err)
	}
	if store, err := open(); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("got %v, want storage.ErrDamaged", err)
		if err == nil {
			_ = store.Close()
		}
	}
}
