package sqlite

import (
	"path/filepath"
	"testing"
)

// TestThaw: what was read while a file was frozen hides nothing that is written after that.
func TestThaw(t *testing.T) {
	for _, reading := range []string{toRead, immutable} {
		t.Run(reading, func(t *testing.T) {
			db := opened(t, filepath.Join(t.TempDir(), "test.db"))
			run(t, db.Writes, "CREATE TABLE t (n INTEGER)")
			run(t, db.Writes, "PRAGMA wal_checkpoint(TRUNCATE)") // what is immutable has no log
			db.reading = reading
			db.frozen.Store(true)
			count := func() (n int) {
				t.Helper()
				if err := db.Reads.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			db.Reads.SetMaxIdleConns(0) // drops those that were opened before
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
			for under.Next() { // at its end the connection goes back to the pool
			}
			if under.Err() != nil {
				t.Fatal(under.Err())
			}
			for range 2 * readers {
				if n := count(); n != 1 {
					t.Fatalf("there are %d rows, want the one that was written", n)
				}
			}
		})
	}
}
