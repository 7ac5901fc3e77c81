package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"superheroes/internal/storage"
)

// code returns SQLite's extended error code, or 0 if err isn't SQLite's.
func code(err error) int {
	if err == nil {
		return 0
	}
	var sqliteErr *sqlite.Error
	if !errors.As(err, &sqliteErr) {
		return 0
	}
	return sqliteErr.Code()
}

// IsConstraint reports whether err means that a row violates a constraint or was refused by a trigger.
func IsConstraint(err error) bool { return code(err)&0xff == sqlite3.SQLITE_CONSTRAINT }

// IsTaken reports whether err means that another row has the same key or unique value.
func IsTaken(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

// isBusy reports whether err means that another connection held a lock for too long.
func isBusy(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// Undone reports whether a commit that failed with err certainly stored nothing, now and after a crash. A commit is the
// last frame of its transaction in the log: if SQLite could not begin or complete writing that, recovery finds no
// commit. An error of the sync, or of the index that is written afterwards, leaves it open.
func Undone(err error) bool {
	return isBusy(err) || code(err)&0xff == sqlite3.SQLITE_FULL || code(err) == sqlite3.SQLITE_IOERR_WRITE ||
		code(err)&0xff == sqlite3.SQLITE_READONLY
}

// Trouble classifies an error of this database. Damage is permanent.
func (db *DB) Trouble(err error) error {
	if err == nil {
		return nil
	}
	var known *storage.Error
	if errors.As(err, &known) {
		return err
	}
	if found := db.guard.found.Load(); found != nil {
		return &storage.Error{Kind: found.Kind, Detail: found.Detail, Err: err}
	}
	if isBusy(err) {
		return storage.As(storage.ErrBusy, err, db.path, " is locked by another program")
	}
	switch code(err) & 0xff {
	case sqlite3.SQLITE_FULL:
		return storage.As(storage.ErrFull, err, db.path, " can't be written: its disk or quota is full")
	case sqlite3.SQLITE_READONLY:
		return storage.As(storage.ErrFull, err, db.path, " can't be written: the file, its folder or its disk is read-only")
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return db.guard.fail(err, db.path+" is damaged")
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return db.failed(err)
	case sqlite3.SQLITE_CONSTRAINT:
		if IsTaken(err) {
			return err
		}
		return storage.As(storage.ErrSchema, err, "a table in ", db.path, " refuses new rows")
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_MISMATCH:
		if strings.Contains(err.Error(), "transaction") { // a bug of ours
			return err
		}
		return storage.As(storage.ErrSchema, err, "a table or column in ", db.path, " is missing or different")
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return storage.As(storage.ErrSchema, err, "no permission for ", db.path)
	}
	return err
}

// Dropped returns the error for rows that SQLite inserted without an error but that don't exist, because a trigger
// ignores them.
func (db *DB) Dropped() error {
	return storage.Errorf(storage.ErrSchema, "a trigger in %s drops new rows", db.path)
}

// failed is Trouble for errors of the operating system.
func (db *DB) failed(err error) error {
	if gone := db.guard.identical(); errors.Is(gone, storage.ErrDamaged) {
		return gone
	}
	switch code(err) {
	case sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_IN_PAGE:
		return db.guard.fail(err, db.path+" is damaged")
	case sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE:
		return storage.As(storage.ErrFull, err, db.path, " can't be written: its disk or quota is full, or fails")
	case sqlite3.SQLITE_CANTOPEN:
		if db.frozen.Load() {
			return storage.As(storage.ErrFull, err, db.path, " can't be written: the file, its folder or its disk is read-only")
		}
	}
	return storage.As(storage.ErrUnavailable, err, db.path, " can't be opened, read or written")
}

// Waited is Trouble for an error while waiting for the write lock: a timeout means that another connection held it.
func (db *DB) Waited(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return storage.As(storage.ErrBusy, err, db.path, " was locked for longer than the request could wait")
	}
	return db.Trouble(err)
}

// refusal is the reason why the last write was refused.
type refusal struct{ err error }

// Wrote records the result of a write, for Writable.
func (db *DB) Wrote(err error) {
	switch {
	case errors.Is(err, storage.ErrFull), errors.Is(err, storage.ErrBusy), errors.Is(err, storage.ErrSchema):
		db.refused.Store(&refusal{err})
	case err == nil && db.refused.Load() != nil:
		db.refused.Store(nil)
	}
}

// With less free space than fullBelow, a disk counts as full before anything was written; a full one is tried again
// once there is more than retryAbove.
const (
	fullBelow  = 64 << 10
	retryAbove = 1 << 20
)

// checkSpace records at startup if the disk is full.
func (db *DB) checkSpace() {
	if bytes, known := free(db.path); known && bytes < fullBelow {
		db.Wrote(storage.Errorf(storage.ErrFull, "%s can't be written: its disk or quota is full", db.path))
	}
}

// probeTime limits one attempt to write.
const probeTime = time.Second

// Writable returns nil if the last write succeeded. As long as writes are refused, because the disk is full or
// read-only, the file is locked or the table refuses rows, each call attempts a write, which costs a commit once there
// is room. try, which may be nil, returns an INSERT that must insert a row, and is rolled back.
func (db *DB) Writable(ctx context.Context, try func() string) error {
	last := db.refused.Load()
	if last == nil {
		return nil
	}
	if bytes, known := free(db.path); known && bytes < retryAbove && errors.Is(last.err, storage.ErrFull) || !db.probing.TryLock() {
		return last.err
	}
	defer db.probing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err := db.probe(ctx, try)
	db.Wrote(err)
	return err
}

// probe tries the INSERT, if any, and rewrites a page with its current value.
func (db *DB) probe(ctx context.Context, try func() string) error {
	tx, err := db.Writes.BeginTx(ctx, nil)
	if err != nil {
		return db.Waited(err)
	}
	defer func() { _ = tx.Rollback() }() // no effect after the commit
	if err := db.Begun(); err != nil {
		return err
	}
	if try != nil {
		if err := db.insertAndRollBack(ctx, tx, try()); err != nil {
			return db.Trouble(err)
		}
	}
	var version int64
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return db.Trouble(err)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return db.Trouble(err)
	}
	if err := tx.Commit(); err != nil {
		return db.Trouble(err)
	}
	return db.Committed()
}

// insertAndRollBack runs a statement that must insert a row, and rolls it back.
func (db *DB) insertAndRollBack(ctx context.Context, tx *sql.Tx, insert string) error {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT try"); err != nil {
		return err
	}
	inserted, err := tx.ExecContext(ctx, insert)
	if err != nil {
		return err
	}
	if n, err := inserted.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, db.Dropped())
	}
	_, err = tx.ExecContext(ctx, "ROLLBACK TO try")
	return err
}
