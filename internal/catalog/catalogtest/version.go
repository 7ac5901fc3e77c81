package catalogtest

import (
	"database/sql"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/catalog"
)

func (e Engine[T]) testVersion(t *testing.T) {
	t.Run("stays while nothing changes", func(t *testing.T) {
		f := e.empty(t)
		f.put(f.numbered(1, 51)...)
		f.steady()
	})
	table := e.Kind.Table.Name
	for _, c := range []struct {
		name   string
		change func(f *fixture[T])
		want   []int64
	}{
		{"an import of its own", func(f *fixture[T]) { f.put(f.numbered(101)...) }, []int64{1, 51, 101}},
		{"an import of its own that only overwrites", func(f *fixture[T]) { f.put(f.item(51, "other")) }, []int64{1, 51}},
		{"an import of its own that replaces", (*fixture[T]).replaceAll, []int64{51}},
		{"an import of another process", func(f *fixture[T]) { f.importElsewhere() }, []int64{1, 51, 101}},
		{"an insert elsewhere", func(f *fixture[T]) { f.exec(f.db.SQL, f.insertion(f.item(7, "seven"))) }, []int64{1, 7, 51}},
		{"an update elsewhere", func(f *fixture[T]) { f.exec(f.db.SQL, "UPDATE "+table+" SET name = 'other' WHERE id = 51") }, []int64{1, 51}},
		{"a deletion elsewhere", func(f *fixture[T]) { f.exec(f.db.SQL, "DELETE FROM "+table+" WHERE id = 51") }, []int64{1}},
		{"a deletion and an insert elsewhere", func(f *fixture[T]) {
			f.exec(f.db.SQL, "DELETE FROM "+table+" WHERE id = 51", f.insertion(f.item(51, "again")))
		}, []int64{1, 51}},
	} {
		t.Run("changes with "+c.name, func(t *testing.T) {
			f := e.empty(t)
			f.put(f.numbered(1, 51)...)
			known := f.steady()
			c.change(f)
			found, version, err := f.store.IDs(t.Context(), known)
			if err != nil || version == known || version == "" {
				t.Errorf("the version was %q and is %q (%v)", known, version, err)
			}
			if diff := cmp.Diff(c.want, found); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("changes when an open transaction commits", e.testOpenTransaction)
	t.Run("may change after a rollback, but the ids don't", e.testRolledBack)
}

func (f *fixture[T]) replaceAll() {
	f.Helper()
	if err := f.store.Import(f.Context(), true, feed(f.numbered(51)...)); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture[T]) importElsewhere() {
	f.Helper()
	if err := f.open(noRoster).Import(f.Context(), false, feed(f.numbered(101)...)); err != nil {
		f.Fatal(err)
	}
}

// steady returns a version that has stopped changing. A store may count changes of other tables on the server, so this
// may take a few reads.
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
				f.Errorf("ids without a change: %v", found)
			}
			return known
		}
		known = version
	}
	f.Fatal("the version keeps changing")
	return ""
}

// begin inserts an item in an open transaction of another client.
func (f *fixture[T]) begin(item T) *sql.Tx {
	f.Helper()
	tx, err := f.db.SQL.BeginTx(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.exec(tx, f.insertion(item))
	return tx
}

func (e Engine[T]) testOpenTransaction(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1, 51)...)
	tx := f.begin(f.item(7, "seven"))
	known := f.steady()
	if diff := cmp.Diff([]int64{1, 51}, f.ids()); diff != "" {
		t.Errorf("before the commit: %s", diff)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	found, version, err := f.store.IDs(t.Context(), known)
	if err != nil || version == known {
		t.Errorf("the version is still %q (%v)", known, err)
	}
	if diff := cmp.Diff([]int64{1, 7, 51}, found); diff != "" {
		t.Error(diff)
	}
}

func (e Engine[T]) testRolledBack(t *testing.T) {
	f := e.empty(t)
	f.put(f.numbered(1, 51)...)
	known := f.steady()
	tx := f.begin(f.item(7, "seven"))
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	found, version, err := f.store.IDs(t.Context(), known)
	if version == known {
		found = []int64{1, 51}
	}
	if diff := cmp.Diff([]int64{1, 51}, found); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}
