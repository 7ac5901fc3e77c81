package embedded

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

// code returns SQLite's extended code of an error, 0 when it isn't SQLite's.
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

// IsConstraint reports whether err is a row that breaks a constraint, or that a trigger refuses.
func IsConstraint(err error) bool { return code(err)&0xff == sqlite3.SQLITE_CONSTRAINT }

// IsTaken reports whether err is a row whose key, or other unique value, another row has.
func IsTaken(err error) bool {
	switch code(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

// isBusy reports whether err is a lock that another connection held for too long.
func isBusy(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// Undone reports whether a commit that failed with err surely stored nothing, now and after a crash. A commit is the last
// frame of its transaction in the log: when SQLite could not write all of that, or not even begin, recovery finds none. An
// error of the sync, or of the index that is written after it, leaves it open.
func Undone(err error) bool {
	return isBusy(err) || code(err)&0xff == sqlite3.SQLITE_FULL || code(err) == sqlite3.SQLITE_IOERR_WRITE ||
		code(err)&0xff == sqlite3.SQLITE_READONLY
}

// Trouble gives an error of this database its kind. That it is damaged holds from then on.
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
		if strings.Contains(err.Error(), "transaction") { // ours to mend
			return err
		}
		return storage.As(storage.ErrSchema, err, "a table or column in ", db.path, " is missing or another one")
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return storage.As(storage.ErrSchema, err, "no permission for ", db.path)
	}
	return err
}

// Dropped is the trouble of rows that SQLite inserted without an error and that aren't there, because a trigger ignores them.
func (db *DB) Dropped() error {
	return storage.Errorf(storage.ErrSchema, "a trigger in %s drops new rows", db.path)
}

// failed is Trouble for what the operating system refused.
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

// Waited is Trouble for an error of whoever waited for the write lock: when its time ran out, another one held it.
func (db *DB) Waited(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return storage.As(storage.ErrBusy, err, db.path, " was locked for longer than the request could wait")
	}
	return db.Trouble(err)
}

// refusal is why the last write was refused.
type refusal struct{ err error }

// Wrote notes how a write ended, for Writable.
func (db *DB) Wrote(err error) {
	switch {
	case errors.Is(err, storage.ErrFull), errors.Is(err, storage.ErrBusy), errors.Is(err, storage.ErrSchema):
		db.refused.Store(&refusal{err})
	case err == nil && db.refused.Load() != nil:
		db.refused.Store(nil)
	}
}

// A disk with less space than little is taken for full before anything was written; one that was full is written again
// when there is room.
const (
	little = 64 << 10
	room   = 1 << 20
)

// weigh notes that the disk is full, at the start.
func (db *DB) weigh() {
	if bytes, known := free(db.path); known && bytes < little {
		db.Wrote(storage.Errorf(storage.ErrFull, "%s can't be written: its disk or quota is full", db.path))
	}
}

// probeTime bounds one attempt to write.
const probeTime = time.Second

// Writable returns nil when the last write was taken. While it was refused, because the disk is full or read-only, the file
// is locked or the table refuses new rows, each call tries to write, and costs a commit once there is room. Where there is an
// INSERT to try, it must insert a row, which is undone.
func (db *DB) Writable(ctx context.Context, try string) error {
	last := db.refused.Load()
	if last == nil {
		return nil
	}
	if bytes, known := free(db.path); known && bytes < room && errors.Is(last.err, storage.ErrFull) || !db.probing.TryLock() {
		return last.err
	}
	defer db.probing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err := db.probe(ctx, try)
	db.Wrote(err)
	return err
}

// probe tries the statement, and writes a page that says what it said before.
func (db *DB) probe(ctx context.Context, try string) error {
	tx, err := db.Writes.BeginTx(ctx, nil)
	if err != nil {
		return db.Waited(err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if err := db.Begun(); err != nil {
		return err
	}
	if try != "" {
		if err := db.undo(ctx, tx, try); err != nil {
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

// undo runs a statement that inserts a row, and undoes it.
func (db *DB) undo(ctx context.Context, tx *sql.Tx, insert string) error {
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
