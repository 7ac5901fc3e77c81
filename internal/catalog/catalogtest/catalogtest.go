// Package catalogtest is what every store of a catalog has to do: the tests, the check of uniform picks and the
// benchmark are written once here, and each engine's own tests run them.
package catalogtest

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"testing"

	"superheroes/internal/catalog"
)

// Engine is one store under test.
type Engine[T catalog.Item] struct {
	Kind catalog.Kind[T]
	// Fresh makes an empty database that goes when the test ends.
	Fresh func(tb testing.TB) Database[T]
	// Family are tables that other applications have made; the store must work on each as it is.
	Family []Family
	// UniqueNames: no two items share a name.
	UniqueNames bool
}

// Seed puts the roster of a new table.
type Seed[T catalog.Item] func(put func(T) error) error

// Database is the database of one test.
type Database[T catalog.Item] struct {
	// Open opens the store as a process that starts does.
	Open func(ctx context.Context, seed Seed[T]) (catalog.Store[T], error)
	// OpenAt opens it with the server, which is at the address Server, at another address; nil for a file.
	OpenAt func(ctx context.Context, address string, seed Seed[T]) (catalog.Store[T], error)
	Server string
	// SQL is another client of the same database.
	SQL *sql.DB
	// Describe is a query whose rows, one text each, tell all there is to tell of the tables but their rows.
	Describe string
}

// Family is a table as another application makes it, with rows of its own.
type Family struct {
	Name string
	// Create are the statements that make and fill it. Of one row every column but the id is NULL.
	Create []string
	IDs    []int64
	// Null is the id of the row that is NULL.
	Null int64
	// Next is what the other application runs for its own next id, "" where the server gives it.
	Next string
}

// Run runs all tests on the engine, but for groups that are left out.
func (e Engine[T]) Run(t *testing.T, without ...string) {
	for _, group := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"start", e.testStart},
		{"family", e.testFamily},
		{"read", e.testRead},
		{"text", e.testText},
		{"version", e.testVersion},
		{"import", e.testImport},
		{"readers beside imports", e.testReadersBesideImports},
		{"write", e.testWrite},
		{"names", e.testNames},
		{"picker", e.testPicker},
	} {
		if !slices.Contains(without, group.name) {
			t.Run(group.name, group.run)
		}
	}
}

// fixture is an open store with what a test does to it. Its methods end the test when they fail.
type fixture[T catalog.Item] struct {
	testing.TB
	engine Engine[T]
	db     Database[T]
	store  catalog.Store[T]
}

// empty opens a store on a fresh database, without a roster.
func (e Engine[T]) empty(tb testing.TB) *fixture[T] {
	tb.Helper()
	f := &fixture[T]{TB: tb, engine: e, db: e.Fresh(tb)}
	f.store = f.open(noRoster)
	return f
}

func noRoster[T any](func(put T) error) error { return nil }

// open opens one more store on the same database.
func (f *fixture[T]) open(seed Seed[T]) catalog.Store[T] {
	f.Helper()
	store, err := f.db.Open(f.Context(), seed)
	if err != nil {
		f.Fatalf("opening the store: %v", err)
	}
	f.Cleanup(func() {
		if err := store.Close(); err != nil {
			f.Errorf("closing the store: %v", err)
		}
	})
	return store
}

// item returns the kind's example with this id, 0 for none, and name.
func (f *fixture[T]) item(id int64, name string) T {
	f.Helper()
	item := f.engine.Kind.Example
	f.set(&item, "id", strconv.FormatInt(id, 10))
	f.set(&item, "name", name)
	return item
}

// numbered returns an item for each id, whose name tells it.
func (f *fixture[T]) numbered(ids ...int64) []T {
	f.Helper()
	items := make([]T, len(ids))
	for i, id := range ids {
		items[i] = f.item(id, "item "+strconv.FormatInt(id, 10))
	}
	return items
}

func (f *fixture[T]) set(item *T, column, value string) {
	f.Helper()
	if err := f.engine.Kind.Table.Set(item, column, value); err != nil {
		f.Fatal(err)
	}
}

// feed puts these items.
func feed[T any](items ...T) func(put func(T) error) error {
	return func(put func(T) error) error {
		for _, item := range items {
			if err := put(item); err != nil {
				return err
			}
		}
		return nil
	}
}

// put imports the items into the store.
func (f *fixture[T]) put(items ...T) {
	f.Helper()
	if err := f.store.Import(f.Context(), false, feed(items...)); err != nil {
		f.Fatalf("importing: %v", err)
	}
}

// all returns every item of the store.
func (f *fixture[T]) all() []T {
	f.Helper()
	items, err := f.store.Page(f.Context(), 0, 100_000)
	if err != nil {
		f.Fatalf("reading a page: %v", err)
	}
	return items
}

// ids returns every id of the store.
func (f *fixture[T]) ids() []int64 {
	f.Helper()
	found, _, err := f.store.IDs(f.Context(), "")
	if err != nil {
		f.Fatalf("reading the ids: %v", err)
	}
	return found
}

func keys[T catalog.Item](items []T) []int64 {
	var found []int64
	for _, item := range items {
		found = append(found, item.Key())
	}
	return found
}

// steps returns n ids as the kind's sequence gives them in a new table.
func (f *fixture[T]) steps(n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = 1 + int64(i)*f.engine.Kind.Table.Step
	}
	return ids
}
