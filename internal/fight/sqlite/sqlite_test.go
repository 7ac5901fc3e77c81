package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"superheroes/database"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/fight/storetest"
	"superheroes/internal/location"
)

func open(tb testing.TB, path string) *Store {
	tb.Helper()
	store, err := Open(tb.Context(), path, database.SQLiteFight)
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

func openNew(tb testing.TB) *Store {
	tb.Helper()
	return open(tb, filepath.Join(tb.TempDir(), "fights.db"))
}

// newFight returns a fight that is decided now.
func newFight(ids *fight.IDs) fight.Fight {
	now, place := time.Now(), location.Locations().Example
	return fight.Decide(ids.Next(now), now, character.Heroes().Example, character.Villains().Example, &place)
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(tb testing.TB) fight.Store { return openNew(tb) })
}

func TestReopened(t *testing.T) {
	path, ids := filepath.Join(t.TempDir(), "fights.db"), fight.NewIDs(fight.ID{})
	first, err := Open(t.Context(), path, database.SQLiteFight)
	if err != nil {
		t.Fatal(err)
	}
	f := newFight(ids)
	if err := first.Insert(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, path)
	storetest.Truthful(t, again, f, nil)
	if last, err := again.Last(t.Context()); last != f.ID || err != nil {
		t.Errorf("Last: %s, %v; want %s", last, err, f.ID)
	}
}

func TestEveryConnectionSyncsFully(t *testing.T) {
	store := openNew(t)
	check := func(db *sql.DB, connections int) {
		t.Helper()
		for range connections { // held until the end of the test, so that each is another one
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

// A synchronous insert takes what the disk takes; beside others it waits for its turn.
func BenchmarkInsert(b *testing.B) {
	store, ids := openNew(b), fight.NewIDs(fight.ID{})
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := store.Insert(b.Context(), newFight(ids)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("concurrent", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := store.Insert(b.Context(), newFight(ids)); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
