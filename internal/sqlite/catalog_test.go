package sqlite

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
	"superheroes/internal/catalog/catalogtest"
	"superheroes/internal/character"
	"superheroes/internal/location"
	"superheroes/internal/storage"
)

// sqliteEngine returns the SQLite engine for one kind of catalog.
func sqliteEngine[T catalog.Item](
	kind catalog.Kind[T], schema string, family ...catalogtest.Family,
) catalogtest.Engine[T] {
	return catalogtest.Engine[T]{
		Kind:   kind,
		Family: family,
		Fresh: func(tb testing.TB) catalogtest.Database[T] {
			path := filepath.Join(tb.TempDir(), "catalog.db")
			return catalogtest.Database[T]{
				SQL:      otherSQLite(tb, path),
				Describe: "SELECT COALESCE(sql, name) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
				Open: func(ctx context.Context, seed catalogtest.Seed[T]) (catalog.Store[T], error) {
					store, err := OpenCatalog(ctx, path, kind.Table, schema, seed)
					if err != nil {
						return nil, err
					}
					return store, nil
				},
			}
		},
	}
}

// otherSQLite opens the file as another program would, with different settings, in particular without WAL.
func otherSQLite(tb testing.TB, path string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", uri(path)+"?_pragma=busy_timeout(5000)")
	must(tb, err)
	tb.Cleanup(func() { must(tb, db.Close()) })
	return db
}

func sqliteHeroes() catalogtest.Engine[character.Character] {
	return sqliteEngine(character.Heroes(), database.SQLiteCharacter,
		catalogtest.Family{
			Name: "all columns nullable, without AUTOINCREMENT",
			Create: []string{
				`CREATE TABLE hero (level INTEGER, id INTEGER PRIMARY KEY, name varchar(50), othername varchar(255),
					picture varchar(255), powers text)`,
				"INSERT INTO hero (id, name) VALUES (1, 'a'), (101, 'c')",
				"INSERT INTO hero (id) VALUES (51)",
			},
			IDs:  []int64{1, 51, 101},
			Null: 51,
		})
}

func sqliteLocations() catalogtest.Engine[location.Location] {
	engine := sqliteEngine(location.Locations(), database.SQLiteLocation,
		catalogtest.Family{
			Name: "every column nullable",
			Create: []string{
				`CREATE TABLE locations (id INTEGER PRIMARY KEY AUTOINCREMENT, description text, name varchar(50) UNIQUE,
					picture varchar(255), type text)`,
				"INSERT INTO locations (name, type) VALUES ('a', 'CITY')",
				"INSERT INTO locations (name) VALUES (NULL)",
			},
			IDs:  []int64{1, 2},
			Null: 2,
		})
	engine.UniqueNames = true
	return engine
}

func TestSQLiteHeroes(t *testing.T) {
	t.Parallel() // the test spends most of its time waiting
	sqliteHeroes().Run(t)
}

func TestSQLiteLocations(t *testing.T) {
	t.Parallel()
	sqliteLocations().Run(t, "picker") // one kind of catalog suffices: all kinds share the picker
}

func BenchmarkRandom(b *testing.B) { sqliteHeroes().BenchmarkRandom(b) }
func BenchmarkIDs(b *testing.B)    { sqliteHeroes().BenchmarkIDs(b) }

// openFound opens a heroes catalog in a file that another program has created by running the given SQL statements. It
// also returns the other program's connection.
func openFound(t *testing.T, statements ...string) (*Catalog[character.Character], *sql.DB, string, error) {
	t.Helper()
	path, kind := filepath.Join(t.TempDir(), "found.db"), character.Heroes()
	other := otherSQLite(t, path)
	for _, statement := range statements {
		run(t, other, statement)
	}
	seed := func(put func(character.Character) error) error { return put(kind.Example) }
	store, err := OpenCatalog(t.Context(), path, kind.Table, database.SQLiteCharacter, seed)
	if err == nil {
		t.Cleanup(func() { _ = store.Close() })
	}
	return store, other, path, err
}

// change stores hero under the id: it adds the hero if the id is 0, and deletes it if hero is nil.
func change(t *testing.T, store *Catalog[character.Character], id int64, hero *character.Character) error {
	t.Helper()
	_, err := store.Write(t.Context(), id, func(*character.Character) (*character.Character, error) { return hero, nil })
	return err
}

// requests returns the store's methods that requests call, including readiness checks.
func requests(t *testing.T, store *Catalog[character.Character]) map[string]func() error {
	hero := character.Heroes().Example
	return map[string]func() error{
		"Ping":  func() error { return store.Ping(t.Context()) },
		"Get":   func() error { _, err := store.Get(t.Context(), hero.ID); return err },
		"Page":  func() error { _, err := store.Page(t.Context(), 0, 10); return err },
		"Write": func() error { return change(t, store, hero.ID, &hero) },
	}
}

// Opening a table that lacks an expected column fails with an error that names the column and the file.
func TestSQLiteDifferentColumns(t *testing.T) {
	_, _, path, err := openFound(t,
		"CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT, other_name TEXT, level INTEGER, picture TEXT, powers TEXT)")
	if !names(err, storage.ErrSchema, path, "otherName") {
		t.Errorf("got %v", err)
	}
}

// While a table or column is renamed, all requests and readiness checks fail; they succeed again once the original name
// is restored.
func TestSQLiteRenamed(t *testing.T) {
	store, other, path, err := openFound(t)
	must(t, err)
	for _, c := range [][2]string{
		{"ALTER TABLE hero RENAME TO champion", "ALTER TABLE champion RENAME TO hero"},
		{"ALTER TABLE hero RENAME COLUMN powers TO skills", "ALTER TABLE hero RENAME COLUMN skills TO powers"},
	} {
		run(t, other, c[0])
		for name, request := range requests(t, store) {
			if err := request(); errors.Is(err, catalog.ErrMaybeWritten) || !names(err, storage.ErrSchema, path) {
				t.Errorf("%s, %s: %v", c[0], name, err)
			}
		}
		run(t, other, c[1])
		for name, request := range requests(t, store) {
			if err := request(); err != nil {
				t.Errorf("%s, %s: %v", c[1], name, err)
			}
		}
	}
}

// A NOT NULL violation in a column that the service doesn't know is not reported as a duplicate name.
func TestSQLiteForeignNotNullColumn(t *testing.T) {
	store, _, _, err := openFound(t, `CREATE TABLE hero (id INTEGER PRIMARY KEY, name TEXT, otherName TEXT, level INTEGER,
		picture TEXT, powers TEXT, weight INTEGER NOT NULL)`)
	must(t, err)
	err = change(t, store, 0, &character.Character{Name: "a"})
	if errors.Is(err, catalog.ErrRefused) || !names(err, storage.ErrSchema, "weight") {
		t.Errorf("got %v", err)
	}
}

// A change that a trigger silently drops is not acknowledged.
func TestSQLiteDroppedChanges(t *testing.T) {
	heroes, other, _, err := openFound(t)
	must(t, err)
	run(t, other, "INSERT INTO hero (id, name, level) VALUES (7, 'kept', 1)")
	for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
		run(t, other, "CREATE TRIGGER no_"+event+" BEFORE "+event+" ON hero BEGIN SELECT RAISE(IGNORE); END")
	}
	added := character.Character{ID: 8, Name: "added"}
	for what, err := range map[string]error{
		"a new row": change(t, heroes, 0, &added),
		"an import": heroes.Import(t.Context(), false, func(put func(character.Character) error) error { return put(added) }),
		"a change":  change(t, heroes, 7, &character.Character{Name: "changed"}),
		"deletion":  change(t, heroes, 7, nil),
	} {
		if !errors.Is(err, storage.ErrSchema) || errors.Is(err, catalog.ErrMaybeWritten) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// If a row contains an invalid value, the error names the row, which can be replaced; all other rows are served.
func TestSQLiteUnreadableRows(t *testing.T) {
	heroes, other, _, err := openFound(t)
	must(t, err)
	run(t, other, "INSERT INTO hero (id, name, level) VALUES (7, 'bad', 1), (8, 'good', 1)")
	for _, level := range []string{"5000000000", "-1", "1.5", "'strong'"} {
		run(t, other, "UPDATE hero SET level = "+level+" WHERE id = 7")
		_, one := heroes.Get(t.Context(), 7)
		_, page := heroes.Page(t.Context(), 0, 10)
		for request, err := range map[string]error{"Get": one, "Page": page} {
			if row, is := errors.AsType[*storage.RowError](err); !is || row.ID != "7" || row.What != "hero" {
				t.Errorf("%s, %s: %v", level, request, err)
			}
		}
		_, err := heroes.Get(t.Context(), 8)
		if err := errors.Join(err, heroes.Ping(t.Context())); err != nil {
			t.Errorf("level %s: reading another row or checking readiness failed: %v", level, err)
		}
	}
	_, err = heroes.Write(t.Context(), 7, func(old *character.Character) (*character.Character, error) {
		return old, catalog.ErrUnreadable
	})
	if row, is := errors.AsType[*storage.RowError](err); !is || row.ID != "7" {
		t.Errorf("replacing the invalid row: %v", err)
	}
	mended := character.Character{ID: 7, Name: "mended"}
	must(t, change(t, heroes, 7, &mended))
	if got, err := heroes.Get(t.Context(), 7); got != mended || err != nil {
		t.Errorf("after replacing the invalid row: got %v and %v", got, err)
	}
}

// If the database file is removed during a write, neither that write nor any later one is acknowledged.
func TestSQLiteRemovedWithinAWrite(t *testing.T) {
	for name, write := range map[string]func(*Catalog[character.Character], func() error) error{
		"Write": func(s *Catalog[character.Character], remove func() error) error {
			_, err := s.Write(t.Context(), 1, func(old *character.Character) (*character.Character, error) {
				return old, remove()
			})
			return err
		},
		"Import": func(s *Catalog[character.Character], remove func() error) error {
			return s.Import(t.Context(), true, func(put func(character.Character) error) error {
				return errors.Join(put(character.Heroes().Example), remove())
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			store, other, path, err := openFound(t)
			must(t, err, other.Close())
			err = write(store, func() error { return os.Remove(path) })
			if !errors.Is(err, catalog.ErrMaybeWritten) || !names(err, storage.ErrDamaged, path) {
				t.Errorf("got %v", err)
			}
			for name, request := range requests(t, store) {
				if err := request(); !errors.Is(err, storage.ErrDamaged) || errors.Is(err, catalog.ErrMaybeWritten) {
					t.Errorf("%s after that: %v", name, err)
				}
			}
		})
	}
}

// Damage to the first page of a table is reported when the store is opened, not by the first request.
func TestSQLiteDamagedTable(t *testing.T) {
	store, other, path, err := openFound(t)
	must(t, err)
	var page int64
	must(t, other.QueryRow("SELECT rootpage FROM sqlite_master WHERE name = 'hero'").Scan(&page))
	must(t, other.Close(), store.Close())
	const pageSize = 8192
	overwrite(t, path, (page-1)*pageSize, strings.Repeat("no page ", pageSize/8))
	kind := character.Heroes()
	store, err = OpenCatalog(t.Context(), path, kind.Table, database.SQLiteCharacter, nil)
	if !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("got %v, want storage.ErrDamaged", err)
		if err == nil {
			_ = store.Close()
		}
	}
}
