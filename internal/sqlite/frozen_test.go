package sqlite

import (
	"path/filepath"
	"testing"
)

// TestThaw checks that reads of a frozen file don't hide what is written after it thaws.
func TestThaw(t *testing.T) {
	for _, reading := range []string{toRead, immutable} {
		t.Run(reading, func(t *testing.T) {
			db := opened(t, filepath.Join(t.TempDir(), "test.db"))
			run(t, db.Writes, "CREATE TABLE t (n INTEGER)")
			run(t, db.Writes, "PRAGMA wal_checkpoint(TRUNCATE)") // an immutable database has no log
			db.reading = reading
			db.frozen.Store(true)
			count := func() (n int) {
				t.Helper()
				if err := db.Reads.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			db.Reads.SetMaxIdleConns(0) // drops the connections opened before
			db.Reads.SetMaxIdleConns(readers)
			under, err := db.Reads.QueryContext(t.Context(), "SELECT count(*) FROM t")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = under.Close() }()
			if err := db.thaw(t.Context()); err != nil {
				t.Fatal(err)
			}
			run(t, db.Writes, "INSERT INTO t VALUES (1)")
			for under.Next() { // at its end the connection returns to the pool
			}
			if under.Err() != nil {
				t.Fatal(under.Err())
			}
			for range 2 * readers {
				if n := count(); n != 1 {
					t.Fatalf("got %d rows, want 1", n)
				}
			}
		})
	}
}
