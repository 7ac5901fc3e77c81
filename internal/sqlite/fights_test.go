package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/database"
	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/storage"
)

func openFights(tb testing.TB, path string, options ...Option) *Fights {
	tb.Helper()
	store, err := OpenFights(tb.Context(), path, database.SQLiteFight, options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return store
}

func openNew(tb testing.TB, options ...Option) *Fights {
	tb.Helper()
	return openFights(tb, filepath.Join(tb.TempDir(), "fights.db"), options...)
}

// kinds maps the name of a kind of store to whether it is grouped.
func kinds() map[string]bool { return map[string]bool{"strict": false, "grouped": true} }

func TestFights(t *testing.T) {
	for name, grouped := range kinds() {
		t.Run(name, func(t *testing.T) {
			fighttest.Run(t, func(tb testing.TB) fight.Store { return openNew(tb, Grouped(grouped)) })
		})
	}
}

// A document that violates a constraint is refused alone.
func TestRefusedAmongOthers(t *testing.T) {
	store, ids := openNew(t), fight.NewIDs(fight.ID{})
	var batch []fight.Document
	var fights []fight.Fight
	for range 4 {
		f := fighttest.NewFight(ids)
		fights, batch = append(fights, f), append(batch, fight.Document{ID: f.ID, Bytes: f.AppendJSON(nil)})
	}
	batch = append(batch, batch[1], fight.Document{ID: fighttest.NewFight(ids).ID}) // a duplicate, and a missing document
	used := writer(t, store)
	for i, err := range store.write(t.Context(), batch) {
		switch {
		case i < len(fights):
			fighttest.Truthful(t, store, fights[i], nil)
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		case !IsConstraint(err) || errors.Is(err, fight.ErrMaybeStored):
			t.Errorf("%d: %v, want a constraint violation", i, err)
		}
	}
	if all := fighttest.Everything(t, store); len(all) != len(fights) {
		t.Errorf("%d fights are stored, want %d", len(all), len(fights))
	}
	if writer(t, store) != used {
		t.Error("the connection was dropped")
	}
}

// A row that a trigger silently drops isn't acknowledged.
func TestDroppedRows(t *testing.T) {
	for name, when := range map[string]string{"every fight": "", "one of many": "WHEN NEW.id = (SELECT id FROM dropped)"} {
		t.Run(name, func(t *testing.T) {
			store, ids := openNew(t), fight.NewIDs(fight.ID{})
			var batch []fight.Document
			var fights []fight.Fight
			for range 2*manyRows + 1 {
				f := fighttest.NewFight(ids)
				fights, batch = append(fights, f), append(batch, fight.Document{ID: f.ID, Bytes: f.AppendJSON(nil)})
			}
			execSQL(t, store, "CREATE TABLE dropped (id BLOB)")
			execSQL(t, store, "CREATE TRIGGER drops BEFORE INSERT ON fight "+when+" BEGIN SELECT RAISE(IGNORE); END")
			execSQL(t, store, "INSERT INTO dropped VALUES (?)", fights[1].ID[:])
			for i, err := range store.write(t.Context(), batch) {
				if i == 1 && !errors.Is(err, storage.ErrSchema) {
					t.Errorf("the dropped fight got %v", err)
				}
				if i != 1 && (err == nil) != (when != "") {
					t.Errorf("another fight got %v", err)
				}
				fighttest.Truthful(t, store, fights[i], err)
			}
			if err := store.Ping(t.Context()); (err == nil) == (when == "") {
				t.Errorf("Ping: %v", err)
			}
		})
	}
}

// Each fight gets a truthful result whatever a trigger or a constraint leaves of the statement and the transaction. A refused
// fight doesn't affect others unless the refusal rolls back the transaction.
func TestRefusals(t *testing.T) {
	for _, action := range []string{"ABORT", "FAIL", "ROLLBACK"} {
		trigger := func(when, does string) string {
			return "CREATE TRIGGER refuses " + when + " INSERT ON fight WHEN NEW.id IN (SELECT id FROM refused) BEGIN " + does + "; END"
		}
		for name, refuses := range map[string]string{
			"RAISE before":  trigger("BEFORE", "SELECT RAISE("+action+", 'no')"),
			"RAISE after":   trigger("AFTER", "SELECT RAISE("+action+", 'no')"),
			"INSERT before": trigger("BEFORE", "INSERT OR "+action+" INTO taken VALUES (1)"),
			"INSERT after":  trigger("AFTER", "INSERT OR "+action+" INTO taken VALUES (1)"),
			"ON CONFLICT": `DROP TABLE fight;
				CREATE TABLE fight (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, document BLOB NOT NULL,
					refused INTEGER AS (CASE hex(substr(id, 16)) WHEN 'FF' THEN 1 END) UNIQUE ON CONFLICT ` + action + `);
				INSERT INTO fight (id, document) VALUES (x'000000000000000000000000000000FF', '{}')`,
		} {
			t.Run(action+" "+name, func(t *testing.T) {
				store, ids := openNew(t), fight.NewIDs(fight.ID{})
				execSQL(t, store, "CREATE TABLE refused (id BLOB)")
				execSQL(t, store, "CREATE TABLE taken (one INTEGER UNIQUE)")
				execSQL(t, store, "INSERT INTO taken VALUES (1)")
				execSQL(t, store, refuses)
				for range 2 { // the store continues to work
					var batch []fight.Document
					var fights []fight.Fight
					for i := range 2*manyRows + 3 {
						f := fighttest.NewFight(ids)
						if f.ID[15] = 0; i == 3 || i == 2*manyRows+1 {
							f.ID[15] = 0xFF
							execSQL(t, store, "INSERT INTO refused VALUES (?)", f.ID[:])
						}
						fights, batch = append(fights, f), append(batch, fight.Document{ID: f.ID, Bytes: f.AppendJSON(nil)})
					}
					stored := 0
					for i, err := range store.write(t.Context(), batch) {
						fighttest.Truthful(t, store, fights[i], err)
						if err == nil {
							stored++
						}
					}
					if want := len(batch) - 2; action != "ROLLBACK" && stored != want || action == "ROLLBACK" && stored != 0 {
						t.Errorf("%d of %d stored, want all but the 2 refused", stored, len(batch))
					}
				}
			})
		}
	}
}

// Readiness depends on whether real fights are stored, not on whether other documents are.
func TestPingTriesARealFight(t *testing.T) {
	for condition, ready := range map[string]bool{"length(NEW.document) > 10": false, "NEW.document = CAST('{}' AS BLOB) OR NEW.id IN (SELECT id FROM refused)": true} {
		t.Run(condition, func(t *testing.T) {
			store, f := openNew(t), fighttest.NewFight(fight.NewIDs(fight.ID{}))
			execSQL(t, store, "CREATE TABLE refused (id)")
			execSQL(t, store, "INSERT INTO refused VALUES (?)", f.ID[:])
			execSQL(t, store, "CREATE TRIGGER refuses BEFORE INSERT ON fight WHEN "+condition+" BEGIN SELECT RAISE(FAIL, 'no'); END")
			if err := store.Insert(t.Context(), f, f.AppendJSON(nil)); err == nil {
				t.Fatal("the fight was stored")
			}
			if err := store.Ping(t.Context()); (err == nil) != ready {
				t.Errorf("readiness: %v", err)
			}
			if n, err := store.Count(t.Context()); n != 0 || err != nil {
				t.Errorf("%d fights are stored, %v", n, err)
			}
		})
	}
}

func execSQL(t *testing.T, store *Fights, statement string, args ...any) {
	t.Helper()
	if _, err := store.File().Writes.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func TestReopened(t *testing.T) {
	path, ids := filepath.Join(t.TempDir(), "fights.db"), fight.NewIDs(fight.ID{})
	first, err := OpenFights(t.Context(), path, database.SQLiteFight)
	if err != nil {
		t.Fatal(err)
	}
	f := fighttest.NewFight(ids)
	if err := first.Insert(t.Context(), f, f.AppendJSON(nil)); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := openFights(t, path)
	fighttest.Truthful(t, again, f, nil)
	if last, err := again.Last(t.Context()); last != f.ID || err != nil {
		t.Errorf("Last: %s, %v; want %s", last, err, f.ID)
	}
}

// A store closes cleanly after somebody else has dropped its connection.
func TestDroppedConnection(t *testing.T) {
	store, f := openNew(t), fighttest.NewFight(fight.NewIDs(fight.ID{}))
	if err := store.Insert(t.Context(), f, f.AppendJSON(nil)); err != nil {
		t.Fatal(err)
	}
	conn, err := store.File().Writes.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

func TestEveryConnectionSyncsFully(t *testing.T) {
	store := openNew(t)
	check := func(db *sql.DB, connections int) {
		t.Helper()
		for range connections { // held until the end of the test, so that each is a different one
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} {
				var got string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); got != want || err != nil {
					t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
				}
			}
		}
	}
	check(store.db.Writes, store.db.Writes.Stats().MaxOpenConnections)
	check(store.db.Reads, store.db.Reads.Stats().MaxOpenConnections)
}

// writer returns the only connection for writes.
func writer(t *testing.T, store *Fights) (used any) {
	t.Helper()
	conn, err := store.db.Writes.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Raw(func(c any) error { used = c; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return used
}

// A missing table or column fails readiness and requests until it is back.
func TestSchema(t *testing.T) {
	store, ids := openNew(t), fight.NewIDs(fight.ID{})
	change := func(statement string) {
		t.Helper()
		if _, err := store.db.Writes.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	requests := map[string]func() error{
		"Ping":   func() error { return store.Ping(t.Context()) },
		"Get":    func() error { _, err := store.Get(t.Context(), fight.MaxID()); return err },
		"Page":   func() error { _, err := store.Page(t.Context(), fight.MaxID(), 1); return err },
		"Count":  func() error { _, err := store.Count(t.Context()); return err },
		"Insert": func() error { f := fighttest.NewFight(ids); return store.Insert(t.Context(), f, f.AppendJSON(nil)) },
	}
	for _, c := range [][2]string{
		{"ALTER TABLE fight RENAME TO bout", "ALTER TABLE bout RENAME TO fight"},
		{"ALTER TABLE fight RENAME COLUMN document TO text", "ALTER TABLE fight RENAME COLUMN text TO document"},
	} {
		t.Run(c[0], func(t *testing.T) {
			change(c[0])
			for name, request := range requests {
				err := request()
				if strings.Contains(c[0], "COLUMN") && name == "Count" { // it reads no column
					continue
				}
				if !errors.Is(err, storage.ErrSchema) || errors.Is(err, fight.ErrMaybeStored) || !strings.Contains(err.Error(), store.path(t)) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if opened, err := OpenFights(t.Context(), store.path(t), ""); !errors.Is(err, storage.ErrSchema) {
				t.Errorf("opened %v (%v)", opened, err)
			}
			change(c[1])
			for name, request := range requests {
				if err := request(); err != nil && !errors.Is(err, fight.ErrNotFound) {
					t.Errorf("%s after that: %v", name, err)
				}
			}
		})
	}
}

// path returns the path of the store's file.
func (s *Fights) path(t *testing.T) (file string) {
	t.Helper()
	var number, name string
	if err := s.db.Reads.QueryRowContext(t.Context(), "PRAGMA database_list").Scan(&number, &name, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// A fight that can't be read is named in the error; the others can still be read, and new ones stored.
func TestUnreadableFights(t *testing.T) {
	store, fights := openNew(t), fighttest.Fights(3)
	for _, f := range fights {
		if err := store.Insert(t.Context(), f, f.AppendJSON(nil)); err != nil {
			t.Fatal(err)
		}
	}
	bad := fights[1].ID
	for name, document := range map[string]any{
		"not JSON": "{", "another fight's": fights[0].AppendJSON(nil), "a number": 5, "empty": []byte{},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := store.db.Writes.ExecContext(t.Context(), "UPDATE fight SET document = ? WHERE id = ?", document, bad[:]); err != nil {
				t.Fatal(err)
			}
			_, one := store.Get(t.Context(), bad)
			_, page := store.Page(t.Context(), fight.MaxID(), 3)
			for what, err := range map[string]error{"Get": one, "Page": page} {
				var row *storage.RowError
				if !errors.As(err, &row) || row.ID != bad.String() {
					t.Errorf("%s: %v", what, err)
				}
			}
			if err := store.Ping(t.Context()); err != nil {
				t.Errorf("not ready: %v", err)
			}
			fighttest.Truthful(t, store, fights[0], nil)
		})
	}
	if _, err := store.db.Writes.ExecContext(t.Context(), "INSERT INTO fight (id, document) VALUES (x'ffff', '{}')"); err != nil {
		t.Fatal(err)
	}
	if last, err := store.Last(t.Context()); err != nil || last != fights[2].ID {
		t.Errorf("Last: %s, %v", last, err)
	}
}
