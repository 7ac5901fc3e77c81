package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"superheroes/internal/storage"
)

// inTx calls do within a transaction that holds the write lock; it waits for the lock until ctx ends. If inDoubt is
// true, it is unknown whether the changes are stored; after any other error, the changes are not stored.
//
// A failed transaction is rolled back explicitly: closing the connection is not enough, because the prepared statements
// of the fights would keep it and its locks alive.
func (db *DB) inTx(ctx context.Context, do func(conn *sql.Conn) error) (inDoubt bool, err error) {
	conn, err := db.Writes.Conn(ctx)
	if err != nil {
		return false, db.waited(err)
	}
	defer func() { _ = conn.Close() }() // returns the connection to the pool
	lasting, committed := context.WithoutCancel(ctx), false
	defer func() {
		if !committed {
			_, _ = conn.ExecContext(lasting, "ROLLBACK") // fails if SQLite has already rolled the transaction back
		}
	}()
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false, db.waited(err)
	}
	if err := db.guard.begun(); err != nil {
		return false, err
	}
	if err := do(conn); err != nil {
		return false, db.trouble(err)
	}
	if _, err := conn.ExecContext(lasting, "COMMIT"); err != nil {
		return !undone(err), db.trouble(err)
	}
	committed = true
	err = db.guard.committed()
	return err != nil, err
}

// undone reports whether it is certain that a commit that failed with err stored nothing, even if the machine crashes
// now. The commit is marked in the last frame of its transaction in the log: if SQLite could not write that frame
// completely, recovery finds no commit. If the sync or the later write to the index fails, the result is uncertain.
func undone(err error) bool {
	return isBusy(err) || code(err)&0xff == sqlite3.SQLITE_FULL || code(err) == sqlite3.SQLITE_IOERR_WRITE ||
		code(err)&0xff == sqlite3.SQLITE_READONLY
}

// waited classifies an error that occurred while waiting for the write lock: a timeout means that another connection
// held the lock.
func (db *DB) waited(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return storage.As(storage.ErrBusy, err, db.path, " was locked for longer than the request could wait")
	}
	return db.trouble(err)
}

// dropped returns the error for rows that SQLite reported as inserted but that don't exist, because a trigger ignored
// them.
func (db *DB) dropped() error {
	return storage.Errorf(storage.ErrSchema, "a trigger in %s drops new rows", db.path)
}

// refusal records why the last write was refused.
type refusal struct{ err error }

// wrote records the result of a write for writable to report.
func (db *DB) wrote(err error) {
	switch {
	case errors.Is(err, storage.ErrFull), errors.Is(err, storage.ErrBusy), errors.Is(err, storage.ErrSchema):
		db.refused.Store(&refusal{err})
	case err == nil && db.refused.Load() != nil:
		db.refused.Store(nil)
	}
}

// A disk with less free space than fullBelow counts as full even before a write fails; once it has more than
// retryAbove, writes are attempted again.
const (
	fullBelow  = 64 << 10
	retryAbove = 1 << 20
)

// diskFull reports whether the disk of the file at path is known to have less free space than the given number of
// bytes.
func diskFull(path string, bytes uint64) bool {
	available, known := free(path)
	return known && available < bytes
}

// probeTime limits the duration of an attempt to write.
const probeTime = time.Second

// writable returns nil if the last write succeeded. If the last write was refused, because the disk is full or
// read-only, the file is locked or the table refuses rows, each call attempts another write. A successful attempt costs
// a commit. The function try, which may be nil, returns an INSERT that must insert a row and is then rolled back.
func (db *DB) writable(ctx context.Context, try func() string) error {
	last := db.refused.Load()
	if last == nil {
		return nil
	}
	if errors.Is(last.err, storage.ErrFull) && diskFull(db.path, retryAbove) || !db.probing.TryLock() {
		return last.err
	}
	defer db.probing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	_, err := db.inTx(ctx, func(conn *sql.Conn) error {
		if try != nil {
			if err := db.tryInsert(ctx, conn, try()); err != nil {
				return err
			}
		}
		return rewrite(ctx, conn)
	})
	db.wrote(err)
	return err
}

// tryInsert runs a statement that must insert a row, and rolls the insert back.
func (db *DB) tryInsert(ctx context.Context, conn *sql.Conn, insert string) error {
	if _, err := conn.ExecContext(ctx, "SAVEPOINT try"); err != nil {
		return err
	}
	inserted, err := conn.ExecContext(ctx, insert)
	if err != nil {
		return err
	}
	if n, err := inserted.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, db.dropped())
	}
	_, err = conn.ExecContext(ctx, "ROLLBACK TO try")
	return err
}

// rewrite writes a page with unchanged content.
func rewrite(ctx context.Context, conn *sql.Conn) error {
	var version int64
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
	return err
}
