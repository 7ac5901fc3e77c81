package catalogtest

import (
	"database/sql"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
)

// testVersion makes a series of changes. Each change must change the version, and the version must stay the same
// while the table doesn't change.
func (e Engine[T]) testVersion(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1, 51)...)
	table := e.Kind.Table.Name
	written := f.item(51, "written")
	var tx *sql.Tx
	for _, c := range []struct {
		name   string
		change func()
		want   []int64
	}{
		{"import", func() { f.put(f.numbered(101)...) }, []int64{1, 51, 101}},
		{"import that only overwrites", func() { f.put(f.item(51, "other")) }, []int64{1, 51, 101}},
		{"import that replaces", func() {
			if err := f.store.Import(t.Context(), true, feed(f.numbered(1, 51)...)); err != nil {
				t.Fatal(err)
			}
		}, []int64{1, 51}},
		{"write", func() { f.write(51, func(*T) (*T, error) { return &written, nil }) }, []int64{1, 51}},
		{"import by another process", func() {
			if err := f.open(noRoster).Import(t.Context(), false, feed(f.numbered(101)...)); err != nil {
				t.Fatal(err)
			}
		}, []int64{1, 51, 101}},
		{"insert elsewhere", func() { f.exec(f.db.SQL, f.insertion(f.item(7, "seven"))) }, []int64{1, 7, 51, 101}},
		{"update elsewhere", func() { f.exec(f.db.SQL, "UPDATE "+table+" SET name = 'new' WHERE id = 51") }, []int64{1, 7, 51, 101}},
		{"deletion and insert elsewhere", func() {
			f.exec(f.db.SQL, "DELETE FROM "+table+" WHERE id = 51", f.insertion(f.item(51, "again")))
		}, []int64{1, 7, 51, 101}},
		{"deletion elsewhere", func() { f.exec(f.db.SQL, "DELETE FROM "+table+" WHERE id = 51") }, []int64{1, 7, 101}},
		{"commit of an open transaction", func() {
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}, []int64{1, 7, 61, 101}},
	} {
		if c.name == "commit of an open transaction" {
			tx = f.begin(f.item(61, "sixty-one"))
		}
		known := f.steady()
		c.change()
		found, version, err := f.store.IDs(t.Context(), known)
		if err != nil || version == known || version == "" {
			t.Errorf("%s: the version was %q before and %q after (%v)", c.name, known, version, err)
		}
		if diff := cmp.Diff(c.want, found); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	known := f.steady()
	if err := f.begin(f.item(71, "seventy-one")).Rollback(); err != nil {
		t.Fatal(err)
	}
	found, version, err := f.store.IDs(t.Context(), known) // the version may change
	if diff := cmp.Diff([]int64{1, 7, 61, 101}, found); diff != "" && version != known || err != nil {
		t.Errorf("after a rollback: %v %s", err, diff)
	}
}

// steady returns the version once it has stopped changing. Some stores also count changes to other tables on the
// server, so the version may take a few reads to settle.
func (f *fixture[T]) steady() catalog.Version {
	f.Helper()
	var known catalog.Version
	for range 1000 {
		found, version, err := f.store.IDs(f.Context(), known)
		if err != nil {
			f.Fatalf("reading the ids: %v", err)
		}
		if version == known && known != "" {
			if len(found) > 0 {
				f.Errorf("IDs returned ids even though the table hasn't changed: %v", found)
			}
			return known
		}
		known = version
	}
	f.Fatal("the version keeps changing")
	return ""
}

// begin inserts an item through another client, in a transaction that it leaves open.
func (f *fixture[T]) begin(item T) *sql.Tx {
	f.Helper()
	tx, err := f.db.SQL.BeginTx(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.exec(tx, f.insertion(item))
	return tx
}
