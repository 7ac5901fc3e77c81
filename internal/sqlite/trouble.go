package sqlite

import (
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"superheroes/internal/storage"
)

// code returns SQLite's extended error code, or 0 if err doesn't come from SQLite.
func code(err error) int {
	if sqliteErr, is := errors.AsType[*sqlite.Error](err); is {
		return sqliteErr.Code()
	}
	return 0
}

// isConstraint reports whether err means that a row violates a constraint or was refused by a trigger.
func isConstraint(err error) bool { return code(err)&0xff == sqlite3.SQLITE_CONSTRAINT }

// isTaken reports whether err means that another row already has the same primary key or unique value.
func isTaken(err error) bool {
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

const readOnly = " can't be written: the file, its folder or its disk is read-only"

// trouble wraps an error from SQLite as one of the error kinds in package storage. Once damage has been found, every
// later error reports it.
func (db *DB) trouble(err error) error {
	if _, known := errors.AsType[*storage.Error](err); err == nil || known {
		return err
	}
	if found := db.guard.found.Load(); found != nil {
		return &storage.Error{Kind: found.Kind, Detail: found.Detail, Err: err}
	}
	switch code(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return storage.As(storage.ErrBusy, err, db.path, " is locked by another program")
	case sqlite3.SQLITE_FULL:
		return storage.As(storage.ErrFull, err, db.path, " can't be written: its disk or quota is full")
	case sqlite3.SQLITE_READONLY:
		return storage.As(storage.ErrFull, err, db.path, readOnly)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return db.guard.fail(err, db.path+" is damaged")
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return db.ioError(err)
	case sqlite3.SQLITE_CONSTRAINT:
		if isTaken(err) {
			return err
		}
		return storage.As(storage.ErrSchema, err, "a table in ", db.path, " refuses new rows")
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_MISMATCH:
		if strings.Contains(err.Error(), "transaction") { // a bug in this package
			return err
		}
		return storage.As(storage.ErrSchema, err, "a table or column in ", db.path, " is missing or different")
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return storage.As(storage.ErrSchema, err, "no permission for ", db.path)
	}
	return err
}

// ioError classifies errors from the operating system.
func (db *DB) ioError(err error) error {
	if gone := db.guard.identical(); errors.Is(gone, storage.ErrDamaged) {
		return gone
	}
	switch code(err) {
	case sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_IN_PAGE:
		return db.guard.fail(err, db.path+" is damaged")
	case sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE:
		const full = " can't be written: its disk or quota is full, or the disk is failing"
		return storage.As(storage.ErrFull, err, db.path, full)
	case sqlite3.SQLITE_CANTOPEN:
		if db.frozen.Load() {
			return storage.As(storage.ErrFull, err, db.path, readOnly)
		}
	}
	return storage.As(storage.ErrUnavailable, err, db.path, " can't be opened, read or written")
}
