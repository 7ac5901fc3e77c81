// Package embedded opens SQLite databases the durable way: what is committed is on the disk.
package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// DB is one database file: any number of readers beside one writer, which is what SQLite allows.
type DB struct {
	Reads  *sql.DB
	Writes *sql.DB // one connection; transactions take the write lock when they begin
}

// busyTimeout is how long a connection waits for a lock that another one holds.
const busyTimeout = 5 * time.Second

// settings hold for every connection, because they stand in the DSN. WAL lets readers go on beside the writer;
// synchronous=FULL has each commit wait for fdatasync; a page of 8 KiB holds several fights. The size must come before
// WAL, which makes the first page: the driver sorts pragmas by name, and sets the journal mode behind them only when it
// is spelled as here.
const settings = "_busy_timeout=5000&_pragma=page_size(8192)&_journal_mode=WAL&_synchronous=FULL"

// Open opens the file, and creates it when it is missing.
func Open(ctx context.Context, path string) (*DB, error) {
	// SQLite's own choice on Linux: it syncs a file's length and contents, not its times. Where there is none it is fsync.
	_, _ = sqlite.Fdatasync(true)
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db := &DB{}
	var err error
	if db.Writes, err = open(ctx, path, 1, "_txlock=immediate"); err != nil {
		return nil, err
	}
	if db.Reads, err = open(ctx, path, 4, "_query_only=1"); err != nil {
		_ = db.Writes.Close()
		return nil, err
	}
	return db, nil
}

func open(ctx context.Context, path string, connections int, options string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, options))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	if err := connect(ctx, db); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return db, nil
}

// connect makes the first connection. Of several processes that turn one new file into WAL at the same time SQLite
// refuses all but one, without waiting; they try again, for as long as they would wait for any other lock.
func connect(ctx context.Context, db *sql.DB) error {
	for end := time.Now().Add(busyTimeout); ; {
		err := db.PingContext(ctx)
		if !isBusy(err) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// dsn spells the path as a URI, so that no character in it is taken for an option.
func dsn(path, options string) string {
	escaped := (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
	return "file:" + escaped + "?" + settings + "&" + options
}

// Ping tells whether the file can be read.
func (db *DB) Ping(ctx context.Context) error {
	var version int64
	return db.Reads.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version)
}

// Close closes every connection. The last one moves the write-ahead log into the file.
func (db *DB) Close() error {
	return errors.Join(db.Reads.Close(), db.Writes.Close())
}

// IsConstraint tells whether err is a row that breaks a UNIQUE or CHECK constraint.
func IsConstraint(err error) bool {
	var sqliteErr *sqlite.Error
	return errors.As(err, &sqliteErr) && sqliteErr.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// isBusy tells whether err is a lock that another connection held for too long.
func isBusy(err error) bool {
	var sqliteErr *sqlite.Error
	return errors.As(err, &sqliteErr) && sqliteErr.Code()&0xff == sqlite3.SQLITE_BUSY
}
