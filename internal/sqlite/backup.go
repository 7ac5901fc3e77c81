package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"

	"superheroes/internal/storage"
)

// Backup copies a database, which may be in use, to a new file: a consistent snapshot that is durable when Backup
// returns. Writers don't wait for it. If it fails, it leaves no file behind.
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

// copyTo writes a snapshot to a file. SQLite parses the file name as a URI, as it does for every connection.
func (db *DB) copyTo(ctx context.Context, to string) error {
	conn, err := db.Reads.Conn(ctx)
	if err != nil {
		return db.Trouble(err)
	}
	defer func() { _ = conn.Close() }()
	for _, step := range []struct {
		text string
		args []any
	}{
		{"PRAGMA query_only = 0", nil}, // the copy is written
		{"VACUUM INTO ?", []any{uri(to)}},
		{"PRAGMA query_only = 1", nil},
	} {
		if _, err := conn.ExecContext(ctx, step.text, step.args...); err != nil {
			if errors.Is(db.Trouble(err), storage.ErrFull) { // the disk of the copy is full, not the database's
				return storage.As(storage.ErrFull, err, "writing ", to)
			}
			return db.Trouble(err)
		}
	}
	return nil
}

// flush syncs a file to disk.
func flush(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
