package sqlite_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/catalog/catalogtest"
	"superheroes/internal/character"
	"superheroes/internal/location"
	"superheroes/internal/sqlite"
)

// sqliteEngine returns the SQLite engine for one kind.
func sqliteEngine[T catalog.Item](kind catalog.Kind[T], schema string, family ...catalogtest.Family) catalogtest.Engine[T] {
	return catalogtest.Engine[T]{
		Kind:   kind,
		Family: family,
		Fresh: func(tb testing.TB) catalogtest.Database[T] {
			path := filepath.Join(tb.TempDir(), "catalog.db")
			return catalogtest.Database[T]{
				SQL:      otherSQLite(tb, path),
				Describe: "SELECT COALESCE(sql, name) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
				Open: func(ctx context.Context, seed catalogtest.Seed[T]) (catalog.Store[T], error) {
					store, err := sqlite.OpenCatalog(ctx, path, kind.Table, schema, seed)
					if err != nil {
						return nil, err
					}
					return store, nil
				},
			}
		},
	}
}

// otherSQLite opens the file like another program, with different settings, in particular without WAL.
func otherSQLite(tb testing.TB, path string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(5000)")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func sqliteHeroes() catalogtest.Engine[character.Character] {
	return sqliteEngine(character.Heroes(), database.SQLiteCharacter,
		catalogtest.Family{
			Name: "every column nullable, no AUTOINCREMENT",
			Create: []string{
				"CREATE TABLE hero (level INTEGER, id INTEGER PRIMARY KEY, name varchar(50), othername varchar(255), picture varchar(255), powers text)",
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
				"CREATE TABLE locations (id INTEGER PRIMARY KEY AUTOINCREMENT, description text, name varchar(50) UNIQUE, picture varchar(255), type text)",
				"INSERT INTO locations (name, type) VALUES ('a', 'CITY')",
				"INSERT INTO locations (name) VALUES (NULL)",
			},
			IDs:  []int64{1, 2},
			Null: 2,
		})
	engine.UniqueNames = true
	return engine
}

func TestSQLiteHeroes(t *testing.T)    { sqliteHeroes().Run(t) }
func TestSQLiteLocations(t *testing.T) { sqliteLocations().Run(t) }

func BenchmarkRandom(b *testing.B) { sqliteHeroes().BenchmarkRandom(b) }
func BenchmarkIDs(b *testing.B)    { sqliteHeroes().BenchmarkIDs(b) }
