package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"superheroes/internal/storage"
)

// Every connection of the read and write pools has the settings that make commits durable.
func TestEveryConnectionIsDurable(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "test.db"))
	for queryOnly, pool := range []*sql.DB{db.Writes, db.Reads} {
		for n := range pool.Stats().MaxOpenConnections {
			conn, err := pool.Conn(t.Context())
			must(t, err)
			defer func() { _ = conn.Close() }()
			for pragma, want := range map[string]string{
				"synchronous": "2", "journal_mode": "wal", "busy_timeout": fmt.Sprint(busyTimeout.Milliseconds()),
				"page_size": "8192", "query_only": fmt.Sprint(queryOnly),
			} {
				var got string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("connection %d: pragma %s is %s (%v), want %s", n, pragma, got, err, want)
				}
			}
		}
	}
}

func TestPaths(t *testing.T) {
	for _, name := range []string{
		"plain.db", "with space.db", "100%.db", "%41.db", "what?.db", "what?mode=memory", "a#b.db",
		"a&_pragma=synchronous(OFF).db", "a=b;c.db", "a+b.db", "é🦸.db", `quote'".db`, "colon:.db", "file:x.db", "~.db", "[brackets].db", `back\slash.db`, "line\nfeed.db",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			folder := filepath.Join(dir, "in "+name)
			must(t, os.Mkdir(folder, 0o750))
			t.Chdir(dir)
			for _, path := range []string{filepath.Join(folder, name), name} {
				db := opened(t, path)
				run(t, db.Writes, "CREATE TABLE t (id INTEGER)")
				if info, err := os.Stat(path); err != nil || info.Size() == 0 {
					t.Errorf("the database is not in the file %s: %v", path, err)
				}
				var synchronous int
				err := db.Writes.QueryRow("PRAGMA synchronous").Scan(&synchronous)
				if err != nil || synchronous != 2 {
					t.Errorf("%s: the pragma synchronous is %d (%v)", path, synchronous, err)
				}
			}
		})
	}
}

func TestOpenFails(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.db")
	must(t, os.WriteFile(text, []byte(strings.Repeat("this is no database ", 100)), 0o600))
	for name, path := range map[string]string{
		"no such folder": filepath.Join(folder, "missing", "test.db"), "a folder": folder, "not a database": text,
	} {
		t.Run(name, func(t *testing.T) {
			if db, err := Open(t.Context(), path); err == nil {
				_ = db.Close()
				t.Error("opened")
			} else if !strings.Contains(err.Error(), path) {
				t.Errorf("the error doesn't name the file: %v", err)
			}
		})
	}
}

// TestOpenAtOnce opens a new file several times concurrently: SQLite lets only one connection switch it to WAL, and
// refuses the others without waiting.
func TestOpenAtOnce(t *testing.T) {
	for range 10 {
		path := filepath.Join(t.TempDir(), "test.db")
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				db, err := Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(db.ping(t.Context()), db.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
}

// If SQLite refuses a write because another connection holds the lock, the error says that nothing was stored.
func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	holder, other := opened(t, path), opened(t, path)
	run(t, other.Writes, "PRAGMA busy_timeout = 0")
	run(t, holder.Writes, "BEGIN IMMEDIATE")
	inDoubt, err := other.inTx(t.Context(), func(*sql.Conn) error { return nil })
	if inDoubt || !errors.Is(err, storage.ErrBusy) {
		t.Errorf("a write to a locked file: got %v, in doubt: %t", err, inDoubt)
	}
}

// A panic within a transaction rolls the transaction back.
func TestPanicInTx(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "test.db"))
	func() {
		defer func() { _ = recover() }()
		_, _ = db.inTx(t.Context(), func(tx *sql.Conn) error {
			_, err := tx.ExecContext(t.Context(), "CREATE TABLE t (id INTEGER)")
			must(t, err)
			panic("a bug")
		})
	}()
	if _, err := db.inTx(t.Context(), func(*sql.Conn) error { return nil }); err != nil {
		t.Errorf("after the panic: %v", err)
	}
	if err := db.readable(t.Context(), "SELECT id FROM t"); !errors.Is(err, storage.ErrSchema) {
		t.Errorf("the change was not rolled back: %v", err)
	}
}

// TestThaw checks that once a read-only file is reopened for writing, earlier reads don't hide new rows.
func TestThaw(t *testing.T) {
	for _, mode := range []string{toRead, immutable} {
		t.Run(mode, func(t *testing.T) {
			db := opened(t, filepath.Join(t.TempDir(), "test.db"))
			run(t, db.Writes, "CREATE TABLE t (n INTEGER)")
			run(t, db.Writes, "PRAGMA wal_checkpoint(TRUNCATE)") // an immutable database must not have a log
			db.reading = mode
			db.frozen.Store(true)
			db.Reads.SetMaxIdleConns(0) // closes the idle connections
			db.Reads.SetMaxIdleConns(readers)
			under, err := db.Reads.QueryContext(t.Context(), "SELECT count(*) FROM t")
			must(t, err)
			defer func() { _ = under.Close() }()
			must(t, db.thaw(t.Context()))
			run(t, db.Writes, "INSERT INTO t VALUES (1)")
			for under.Next() { // after the last row, the connection returns to the pool
			}
			must(t, under.Err())
			for range 2 * readers {
				var n int
				if err := db.Reads.QueryRow("SELECT count(*) FROM t").Scan(&n); err != nil || n != 1 {
					t.Fatalf("got %d rows (%v), want 1", n, err)
				}
			}
		})
	}
}
