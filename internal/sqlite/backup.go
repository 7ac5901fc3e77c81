package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"superheroes/internal/storage"
)

// Backup writes a consistent snapshot of a database, which may be in use, to a new file, and syncs the file before
// returning. Writers don't wait for the backup. A failed backup leaves no file behind.
func Backup(ctx context.Context, path, to string) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", to, errors.Join(err, os.ErrExist))
	}
	db, err := Open(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	defer func() {
		if err != nil {
			_ = os.Remove(to)
		}
	}()
	if err := db.copyTo(ctx, to); err != nil {
		return err
	}
	return flush(to)
}

// copyTo writes a snapshot to a file, using a read connection. As on every connection, SQLite parses the file name as a
// URI.
func (db *DB) copyTo(ctx context.Context, to string) error {
	conn, err := db.Reads.Conn(ctx)
	if err != nil {
		return db.trouble(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.ExecContext(ctx, "PRAGMA query_only = 0; VACUUM INTO ?", uri(to)) // only the copy is written to
	if errors.Is(db.trouble(err), storage.ErrFull) {                                // the copy's disk is full
		return storage.As(storage.ErrFull, err, "writing ", to)
	}
	return db.trouble(err)
}

// flush syncs a file to disk.
func flush(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
