// Package catalogtest contains the tests that every catalog.Store must pass, including a check that picks are
// uniformly distributed, and benchmarks. The package doesn't depend on the engines, whose own tests call it.
package catalogtest

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"superheroes/internal/catalog"
)

// Engine describes a storage engine under test.
type Engine[T catalog.Item] struct {
	Kind catalog.Kind[T]
	// Fresh creates an empty database that is removed at the end of the test.
	Fresh func(tb testing.TB) Database[T]
	// Family lists tables created by other applications, which the store must use without altering them.
	Family []Family
	// UniqueNames means that no two items may share a name.
	UniqueNames bool
}

// Seed puts the initial items into a new table.
type Seed[T catalog.Item] func(put func(T) error) error

// Database is a database created for one test.
type Database[T catalog.Item] struct {
	// Open opens the store as a process does at startup.
	Open func(ctx context.Context, seed Seed[T]) (catalog.Store[T], error)
	// OpenAt replaces Open for database servers: it opens the store at the given address, which is Server unless a
	// test uses a proxy.
	OpenAt func(ctx context.Context, address string, seed Seed[T]) (catalog.Store[T], error)
	Server string
	// SQL is another client of the same database. An engine without SQL leaves it nil, and passes Run the names of the
	// groups that need it: start, text, version and picker.
	SQL *sql.DB
	// Describe is a query that returns the complete definition of the tables, one string per row.
	Describe string
}

func (d Database[T]) open(ctx context.Context, seed Seed[T]) (catalog.Store[T], error) {
	if d.Open == nil {
		return d.OpenAt(ctx, d.Server, seed)
	}
	return d.Open(ctx, seed)
}

// Family is a table created and filled by another application.
type Family struct {
	Name string
	// Create contains the statements that create and fill the table. One row has NULL in every column but the id.
	Create []string
	IDs    []int64
	// Null is the id of the row whose other columns are NULL.
	Null int64
	// Next is the query with which the application gets its next id, or "" if the server generates ids.
	Next string
}

// Run runs every group of tests against the engine, except the groups listed in without.
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
		{"write", e.testWrite},
		{"writers at once", e.testWritersAtOnce},
		{"picker", e.testPicker},
	} {
		if !slices.Contains(without, group.name) {
			t.Run(group.name, func(t *testing.T) {
				t.Parallel() // it mostly waits
				group.run(t)
			})
		}
	}
}

// fixture is an open store with helper methods for tests. The methods of a fixture fail the test on error.
type fixture[T catalog.Item] struct {
	testing.TB
	engine Engine[T]
	db     Database[T]
	store  catalog.Store[T]
}

// empty opens a store on a fresh database without any items.
func (e Engine[T]) empty(tb testing.TB) *fixture[T] {
	tb.Helper()
	f := &fixture[T]{TB: tb, engine: e, db: e.Fresh(tb)}
	f.store = f.open(noRoster)
	return f
}

func noRoster[T any](func(put T) error) error { return nil }

// open opens another store on the same database.
func (f *fixture[T]) open(seed Seed[T]) catalog.Store[T] {
	f.Helper()
	store, err := f.db.open(f.Context(), seed)
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

// item returns the catalog's example item with the given id (0 for none) and name.
func (f *fixture[T]) item(id int64, name string) T {
	f.Helper()
	item := f.engine.Kind.Example
	f.set(&item, "id", strconv.FormatInt(id, 10))
	f.set(&item, "name", name)
	return item
}

// numbered returns an item for each id, with the id in its name.
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

// feed returns a Feed that puts the items.
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

// all returns every item in the store.
func (f *fixture[T]) all() []T {
	f.Helper()
	items, err := f.store.Page(f.Context(), 0, 100_000)
	if err != nil {
		f.Fatalf("reading a page: %v", err)
	}
	return items
}

// expect checks that the store contains exactly the given items.
func (f *fixture[T]) expect(items ...T) {
	f.Helper()
	if diff := cmp.Diff(items, f.all(), cmpopts.EquateEmpty()); diff != "" {
		f.Error(diff)
	}
}

// ids returns every id in the store.
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

// steps returns the first n ids that the catalog's sequence generates for a new table.
func (f *fixture[T]) steps(n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = 1 + int64(i)*f.engine.Kind.Table.Step
	}
	return ids
}
