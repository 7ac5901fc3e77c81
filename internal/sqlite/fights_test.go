package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/storage"
)

// kinds maps the name of each kind of store to whether that kind groups inserts.
func kinds() map[string]bool { return map[string]bool{"strict": false, "grouped": true} }

func TestFights(t *testing.T) {
	for name, grouped := range kinds() {
		t.Run(name, func(t *testing.T) {
			fighttest.Run(t, func(tb testing.TB) fight.Store { return openNew(tb, grouped) })
		})
	}
}

// writer returns the single write connection of the store.
func writer(t *testing.T, store *Fights) (used any) {
	t.Helper()
	conn, err := store.db.Writes.Conn(t.Context())
	must(t, err, conn.Raw(func(c any) error { used = c; return nil }), conn.Close())
	return used
}

// batchOf returns the documents of n new fights. batchOf calls change once per fight, with the fight's index; change
// may modify the fight's id.
func batchOf(n int, change func(i int, id *fight.ID)) (batch []fight.Document) {
	for i, f := range fighttest.Fights(n) {
		change(i, &f.ID)
		batch = append(batch, fight.Document{ID: f.ID, Bytes: f.AppendJSON(nil)})
	}
	return batch
}

// write stores a batch, checks that the results are correct, and returns them.
func write(t *testing.T, store *Fights, batch []fight.Document) []error {
	t.Helper()
	errs := store.write(t.Context(), batch)
	for i, err := range errs {
		fighttest.Truthful(t, store, fight.Fight{ID: batch[i].ID}, err)
	}
	return errs
}

// If a document violates a constraint, only that document is refused, not the rest of the batch.
func TestRefusedAmongOthers(t *testing.T) {
	store := openNew(t, false)
	batch := batchOf(6, func(int, *fight.ID) {})
	batch[4].Bytes = nil
	must(t, store.write(t.Context(), batch[5:])...) // makes the last document of the batch a duplicate
	used := writer(t, store)
	for i, err := range store.write(t.Context(), batch) {
		refused := i >= 4
		if isConstraint(err) != refused || (err == nil) == refused || errors.Is(err, fight.ErrMaybeStored) {
			t.Errorf("document %d: %v", i, err)
		}
	}
	if all := fighttest.Everything(t, store); len(all) != 5 {
		t.Errorf("the store holds %d fights, want 5", len(all))
	}
	if writer(t, store) != used {
		t.Error("the connection was dropped")
	}
}

// An insert that a trigger silently drops is not acknowledged.
func TestDroppedRows(t *testing.T) {
	for name, when := range map[string]string{"every fight": "", "one of many": "WHEN NEW.id = (SELECT id FROM dropped)"} {
		t.Run(name, func(t *testing.T) {
			store, batch := openNew(t, false), batchOf(2*manyRows+1, func(int, *fight.ID) {})
			run(t, store.db.Writes, "CREATE TABLE dropped (id BLOB)")
			run(t, store.db.Writes, "CREATE TRIGGER drops BEFORE INSERT ON fight "+when+" BEGIN SELECT RAISE(IGNORE); END")
			run(t, store.db.Writes, "INSERT INTO dropped VALUES (?)", batch[1].ID[:])
			for i, err := range write(t, store, batch) {
				if dropped := i == 1 || when == ""; dropped != errors.Is(err, storage.ErrSchema) || dropped == (err == nil) {
					t.Errorf("fight %d got %v", i, err)
				}
			}
			if err := store.Ping(t.Context()); (err == nil) == (when == "") {
				t.Errorf("Ping: %v", err)
			}
		})
	}
}

// Whether a trigger or a constraint aborts the row, the statement or the whole transaction, the result of each fight is
// correct. A refused fight doesn't affect others unless the refusal rolls back the transaction.
func TestRefusals(t *testing.T) {
	for _, action := range []string{"ABORT", "FAIL", "ROLLBACK"} {
		trigger := func(when, does string) string {
			return "CREATE TRIGGER refuses " + when + " INSERT ON fight WHEN hex(substr(NEW.id, 16)) = 'FF' " +
				"BEGIN " + does + "; END"
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
				store := openNew(t, false)
				run(t, store.db.Writes, "CREATE TABLE taken (one INTEGER UNIQUE); INSERT INTO taken VALUES (1);"+refuses)
				for range 2 { // the store must keep working after a refusal
					stored, batch := 0, batchOf(2*manyRows+3, func(i int, id *fight.ID) {
						if id[15] = 0; i == 3 || i == 2*manyRows+1 {
							id[15] = 0xFF
						}
					})
					for _, err := range write(t, store, batch) {
						if err == nil {
							stored++
						}
					}
					if want := len(batch) - 2; action != "ROLLBACK" && stored != want || action == "ROLLBACK" && stored != 0 {
						t.Errorf("stored %d of %d fights, want all but the 2 that were refused", stored, len(batch))
					}
				}
			})
		}
	}
}

// The readiness check tries to insert a real fight, since a table may refuse fights but accept other documents, or vice
// versa.
func TestPingTriesARealFight(t *testing.T) {
	for condition, ready := range map[string]bool{
		"length(NEW.document) > 10": false,
		"NEW.document = CAST('{}' AS BLOB) OR NEW.id IN (SELECT id FROM refused)": true,
	} {
		t.Run(condition, func(t *testing.T) {
			store, f := openNew(t, false), fighttest.Fights(1)[0]
			run(t, store.db.Writes, "CREATE TABLE refused (id)")
			run(t, store.db.Writes, "INSERT INTO refused VALUES (?)", f.ID[:])
			run(t, store.db.Writes, "CREATE TRIGGER refuses BEFORE INSERT ON fight WHEN "+condition+
				" BEGIN SELECT RAISE(FAIL, 'no'); END")
			if err := store.Insert(t.Context(), f, f.AppendJSON(nil)); err == nil {
				t.Fatal("the fight was stored")
			}
			if err := store.Ping(t.Context()); (err == nil) != ready {
				t.Errorf("readiness: %v", err)
			}
			if n, err := store.Count(t.Context()); n != 0 || err != nil {
				t.Errorf("the readiness check left %d fights in the store (%v)", n, err)
			}
		})
	}
}

// A store closes cleanly even after other code has made the pool drop its connection.
func TestDroppedConnection(t *testing.T) {
	store, f := openNew(t, false), fighttest.Fights(1)[0]
	must(t, store.Insert(t.Context(), f, f.AppendJSON(nil)))
	conn, err := store.db.Writes.Conn(t.Context())
	must(t, err)
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

// While a table or column is missing, readiness checks and requests fail.
func TestSchema(t *testing.T) {
	path, ids := filepath.Join(t.TempDir(), "fights.db"), fight.NewIDs(fight.ID{})
	store := openFights(t, path, false)
	requests := map[string]func() error{
		"Ping":   func() error { return store.Ping(t.Context()) },
		"Get":    func() error { _, err := store.Get(t.Context(), fight.MaxID()); return err },
		"Page":   func() error { _, err := store.Page(t.Context(), fight.MaxID(), 1); return err },
		"Count":  func() error { _, err := store.Count(t.Context()); return err },
		"Insert": func() error { f := fighttest.NewFight(ids); return store.Insert(t.Context(), f, f.AppendJSON(nil)) },
		"opening": func() error {
			opened, err := OpenFights(t.Context(), path, "SELECT 1", false)
			if err == nil {
				err = opened.Close()
			}
			return err
		},
	}
	for _, c := range []struct{ remove, restore, unaffected string }{
		{"ALTER TABLE fight RENAME TO bout", "ALTER TABLE bout RENAME TO fight", ""},
		{"ALTER TABLE fight RENAME COLUMN document TO text", "ALTER TABLE fight RENAME COLUMN text TO document", "Count"},
	} {
		run(t, store.db.Writes, c.remove)
		for name, request := range requests {
			err := request()
			if name != c.unaffected && (errors.Is(err, fight.ErrMaybeStored) || !names(err, storage.ErrSchema, path)) {
				t.Errorf("%s, %s: %v", c.remove, name, err)
			}
		}
		run(t, store.db.Writes, c.restore)
		for name, request := range requests {
			if err := request(); err != nil && !errors.Is(err, fight.ErrNotFound) {
				t.Errorf("%s, %s: %v", c.restore, name, err)
			}
		}
	}
}

func TestInsertWhileAnotherProcessHoldsTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fights.db")
	store, release := openFights(t, path, false), lockElsewhere(t, path)
	const writers = 3 // the first insert waits for the lock, and the other inserts wait for the first
	fights, said := fighttest.Fights(writers+1), make(chan error, writers)
	insert := func(ctx context.Context, f fight.Fight) { said <- store.Insert(ctx, f, f.AppendJSON(nil)) }
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for _, f := range fights[:writers] {
		go insert(ctx, f)
	}
	for range writers {
		// The other process still holds the lock, so only the deadline can have ended the wait.
		if err := <-said; !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, fight.ErrMaybeStored) {
			t.Errorf("inserting into a locked file: got %v, want context.DeadlineExceeded without fight.ErrMaybeStored", err)
		}
	}
	if err := store.Ping(t.Context()); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("while another process holds the lock, Ping returns %v", err)
	}
	go insert(t.Context(), fights[writers])
	select {
	case err := <-said:
		t.Fatalf("the insert did not wait for the other process's lock: %v", err)
	case <-time.After(50 * time.Millisecond): // if the insert isn't waiting for the lock yet, the test still passes
	}
	release()
	if err := <-said; err != nil {
		t.Errorf("inserting after the lock was released: %v", err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("after the lock was released, Ping returns %v", err)
	}
	if all := fighttest.Everything(t, store); len(all) != 1 || all[0].ID != fights[writers].ID {
		t.Errorf("stored %v, want only the fight whose insert waited for the lock", all)
	}
}

// In a grouped store, the first caller's batch waits for the lock; only the other callers can time out before their
// write begins.
func TestGroupWhileAnotherProcessHoldsTheLock(t *testing.T) {
	path, fights := filepath.Join(t.TempDir(), "fights.db"), fighttest.Fights(3)
	store, release := openFights(t, path, true), lockElsewhere(t, path)
	for i, c := range []struct {
		patience time.Duration
		maybe    bool
	}{
		{time.Second, true}, // long enough for the batch to begin
		{50 * time.Millisecond, false},
		{time.Minute, false},
	} {
		if i == 2 {
			release()
		}
		ctx, cancel := context.WithTimeout(t.Context(), c.patience)
		said := store.Insert(ctx, fights[i], fights[i].AppendJSON(nil))
		cancel()
		if (said == nil) != (i == 2) || errors.Is(said, context.DeadlineExceeded) != (i < 2) ||
			errors.Is(said, fight.ErrMaybeStored) != c.maybe {
			t.Errorf("fight %d: %v", i, said)
		}
		defer func() { fighttest.Truthful(t, store, fights[i], said) }()
	}
}

func BenchmarkInsert(b *testing.B) {
	fighttest.BenchmarkInsert(b, func(tb testing.TB, grouped bool) fight.Store { return openNew(tb, grouped) })
}

// BenchmarkWrite measures transactions that store different numbers of fights. With a single caller, the number of
// allocations is reproducible.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("fights=%d", size), func(b *testing.B) {
			store, ids := openNew(b, false), fight.NewIDs(fight.ID{})
			batch := make([]fight.Document, size)
			answer := fighttest.NewFight(ids).AppendJSON(nil)
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch {
					batch[i] = fight.Document{ID: fighttest.NewFight(ids).ID, Bytes: answer}
				}
				must(b, store.write(b.Context(), batch)...)
			}
		})
	}
}
