package catalogtest

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (e Engine[T]) testFamily(t *testing.T) {
	for _, family := range e.Family {
		t.Run(family.Name, func(t *testing.T) {
			f := &fixture[T]{TB: t, engine: e, db: e.Fresh(t)}
			f.exec(f.db.SQL, family.Create...)
			before := f.describe()
			f.store = f.open(feed(f.numbered(900)...))
			if diff := cmp.Diff(family.IDs, keys(f.all())); diff != "" {
				t.Errorf("the existing rows are not read correctly: %s", diff)
			}
			f.checkNull(family.Null)
			f.checkEditOfNull(family.Null)
			f.checkNext(family)
			f.checkNoticed()
			if diff := cmp.Diff(before, f.describe()); diff != "" {
				t.Errorf("the tables were altered: %s", diff)
			}
		})
	}
}

// checkNull checks that NULL is read as "" or 0.
func (f *fixture[T]) checkNull(id int64) {
	f.Helper()
	var want T
	f.set(&want, "id", strconv.FormatInt(id, 10))
	got, err := f.store.Get(f.Context(), id)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		f.Errorf("reading the row of NULLs: %v %s", err, diff)
	}
}

// checkEditOfNull edits a character whose columns are NULL, and reverts the edit. checkEditOfNull skips locations,
// whose type is required.
func (f *fixture[T]) checkEditOfNull(id int64) {
	f.Helper()
	if !slices.Contains(f.engine.Kind.Table.Columns, "powers") {
		return
	}
	for _, powers := range []string{"Flight", ""} {
		got := f.write(id, func(old *T) (*T, error) {
			f.set(old, "powers", powers)
			return old, nil
		})
		if text := f.engine.Kind.Table.Value(*got, "powers"); text != powers {
			f.Errorf("the powers are %q, want %q", text, powers)
		}
	}
	f.checkNull(id)
}

// checkNext imports one row without an id, writes a second one, and then gets the next id in the same way as the
// application that created the table.
func (f *fixture[T]) checkNext(family Family) {
	f.Helper()
	highest := family.IDs[len(family.IDs)-1]
	f.put(f.item(0, "imported"))
	got := f.last()
	if got.Key() != highest+f.engine.Kind.Table.Step || got.Label() != "imported" {
		f.Errorf("the imported row is %v, want an id one step above %d", got, highest)
	}
	written := f.write(0, create(f.item(0, "written")))
	if want := got.Key() + f.engine.Kind.Table.Step; (*written).Key() != want {
		f.Errorf("the written row is %v, want the id %d", *written, want)
	}
	if family.Next == "" {
		return
	}
	next, err := strconv.ParseInt(f.texts(family.Next)[0], 10, 64)
	if err != nil || next <= (*written).Key() {
		f.Errorf("the other application's next id is %d (%v), want an id above %d", next, err, (*written).Key())
	}
}

// checkNoticed checks that a change made by another application is detected, even if the engine can't report a version
// of the table.
func (f *fixture[T]) checkNoticed() {
	f.Helper()
	before, known, err := f.store.IDs(f.Context(), "")
	if err != nil {
		f.Fatal(err)
	}
	f.exec(f.db.SQL, f.insertion(f.item(40_000, "other")))
	after, version, err := f.store.IDs(f.Context(), known)
	if err != nil || version == known && version != "" {
		f.Errorf("the change was not detected: the version is still %q (%v)", version, err)
	}
	if diff := cmp.Diff(append(before, 40_000), after); diff != "" {
		f.Error(diff)
	}
	if _, err := f.store.Get(f.Context(), 40_000); err != nil {
		f.Errorf("the new row: %v", err)
	}
}
