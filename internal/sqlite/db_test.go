package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// opened opens a database and closes it at the end of the test.
func opened(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func run(t *testing.T, on interface {
	ExecContext(ctx context.Context, statement string, args ...any) (sql.Result, error)
}, statement string) {
	t.Helper()
	if _, err := on.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TestEveryConnectionIsDurable opens all connections of both pools at once and reads their settings back.
func TestEveryConnectionIsDurable(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "test.db"))
	for _, pool := range []struct {
		name      string
		db        *sql.DB
		queryOnly string
	}{
		{"writes", db.Writes, "0"},
		{"reads", db.Reads, "1"},
	} {
		t.Run(pool.name, func(t *testing.T) {
			for n := range pool.db.Stats().MaxOpenConnections {
				conn, err := pool.db.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				for pragma, want := range map[string]string{
					"synchronous": "2", "journal_mode": "wal", "busy_timeout": fmt.Sprint(busyTimeout.Milliseconds()),
					"page_size": "8192", "query_only": pool.queryOnly,
				} {
					checkPragma(t, n, conn, pragma, want)
				}
			}
			if open := pool.db.Stats().OpenConnections; open != pool.db.Stats().MaxOpenConnections {
				t.Errorf("only %d connections were open at once", open)
			}
		})
	}
}

func checkPragma(t *testing.T, n int, conn *sql.Conn, pragma, want string) {
	t.Helper()
	var got string
	if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
		t.Errorf("connection %d: %s is %s (%v), want %s", n, pragma, got, err, want)
	}
}

func TestReplacementConnectionsAreDurable(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "test.db"))
	for _, pool := range []*sql.DB{db.Reads, db.Writes} {
		conn, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Raw(func(any) error { return errDrop })
		_ = conn.Close()
		pool.SetMaxIdleConns(0) // drops the idle ones, too
		next, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		checkPragma(t, 0, next, "synchronous", "2")
		_ = next.Close()
	}
}

var errDrop = errors.New("drop this connection")

func TestPaths(t *testing.T) {
	for _, name := range []string{
		"plain.db", "with space.db", "100%.db", "%41.db", "what?.db", "what?mode=memory", "a#b.db", "a&_pragma=synchronous(OFF).db", "a=b;c.db",
		"a+b.db", "é🦸.db", `quote'".db`, "colon:.db", "file:x.db", "~.db", "[brackets].db", `back\slash.db`, "line\nfeed.db",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			folder := filepath.Join(dir, "in "+name)
			if err := os.Mkdir(folder, 0o750); err != nil {
				t.Fatal(err)
			}
			checkPath(t, filepath.Join(folder, name))
			t.Chdir(dir)
			checkPath(t, name)
		})
	}
}

// checkPath checks that the database is in that file, and durable.
func checkPath(t *testing.T, path string) {
	t.Helper()
	db := opened(t, path)
	run(t, db.Writes, "CREATE TABLE t (id INTEGER)")
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		wal, _ := filepath.Glob(filepath.Dir(path) + "/*")
		t.Errorf("%s: %v; the folder has %q", path, err, wal)
	}
	var synchronous int
	if err := db.Writes.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil || synchronous != 2 {
		t.Errorf("%s: synchronous is %d (%v)", path, synchronous, err)
	}
}

func TestOpenFails(t *testing.T) {
	for _, c := range []struct {
		name string
		path func(t *testing.T) string
	}{
		{"no such folder", func(t *testing.T) string { return filepath.Join(t.TempDir(), "missing", "test.db") }},
		{"a folder", func(t *testing.T) string { return t.TempDir() }},
		{"not a database", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "test.db")
			if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := c.path(t)
			db, err := Open(t.Context(), path)
			if err == nil {
				_ = db.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error doesn't name the file: %v", err)
			}
		})
	}
}

// TestOpenAtOnce opens one new file several times at once: SQLite refuses all but one of those that switch it to WAL,
// without waiting.
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
				if err := errors.Join(db.Ping(t.Context()), db.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
}

func TestReadsCannotWrite(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "test.db"))
	if _, err := db.Reads.ExecContext(t.Context(), "CREATE TABLE t (id INTEGER)"); err == nil {
		t.Error("a connection for reads can write")
	}
}

func TestReadersDontWaitForTheWriter(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "test.db"))
	run(t, db.Writes, "CREATE TABLE t (id INTEGER)")
	tx, err := db.Writes.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	run(t, tx, "INSERT INTO t VALUES (1)")
	for _, want := range []int{0, 1} {
		var n int
		if err := db.Reads.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil || n != want {
			t.Errorf("a reader sees %d rows (%v), want %d", n, err, want)
		}
		if err := tx.Commit(); err != nil && want == 0 {
			t.Fatal(err)
		}
	}
}

func TestIsConstraint(t *testing.T) {
	db := opened(t, filepath.Join(t.TempDir(), "test.db"))
	run(t, db.Writes, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, type TEXT CHECK (type IN ('CITY')))")
	run(t, db.Writes, "INSERT INTO t VALUES (1, 'a', 'CITY')")
	for _, c := range []struct {
		name      string
		statement string
		want      bool
	}{
		{"nothing wrong", "INSERT INTO t VALUES (2, 'b', 'CITY')", false},
		{"unique", "INSERT INTO t VALUES (3, 'a', 'CITY')", true},
		{"primary key", "INSERT INTO t VALUES (1, 'c', 'CITY')", true},
		{"check", "INSERT INTO t VALUES (3, 'c', 'SEA')", true},
		{"not null", "INSERT INTO t VALUES (3, NULL, 'CITY')", true},
		{"no such table", "INSERT INTO nowhere VALUES (1)", false},
		{"malformed", "INSERT", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := db.Writes.ExecContext(t.Context(), c.statement)
			if got := IsConstraint(err); got != c.want {
				t.Errorf("%v: got %t", err, got)
			}
			if wrapped := fmt.Errorf("writing: %w", err); IsConstraint(wrapped) != c.want {
				t.Errorf("%v, wrapped: got %t", err, !c.want)
			}
			if isBusy(err) {
				t.Errorf("%v is reported as a lock", err)
			}
		})
	}
}

func TestIsBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	holder, other := opened(t, path), opened(t, path)
	run(t, other.Writes, "PRAGMA busy_timeout = 0")
	tx, err := holder.Writes.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	refused, err := other.Writes.BeginTx(t.Context(), nil)
	if err == nil {
		_ = refused.Rollback()
		t.Fatal("two concurrent write transactions")
	}
	if !isBusy(err) || !isBusy(fmt.Errorf("writing: %w", err)) || IsConstraint(err) {
		t.Errorf("%v isn't reported as a lock", err)
	}
	for _, err := range []error{nil, errDrop, context.Canceled} {
		if isBusy(err) || IsConstraint(err) {
			t.Errorf("%v is reported as an SQLite error", err)
		}
	}
}

// TestWaitEndsWithTheContext checks that waiting for the lock ends with the context.
func TestWaitEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	holder, other := opened(t, path), opened(t, path)
	tx, err := holder.Writes.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := other.Writes.BeginTx(ctx, nil); !errors.Is(err, context.DeadlineExceeded) { // busyTimeout would report that it is locked
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
}
