// Package sqlite is the embedded store: catalogs, fights and statistics, each in a SQLite file. A [DB] guarantees that
// commits are durable in the file at its path, and reports an error once it can no longer guarantee this. The package
// depends on neither HTTP nor the other engines.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"superheroes/internal/bounded"
	"superheroes/internal/sqltable"
	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

// DB is a database file used by many concurrent readers and a single writer, since SQLite supports only one writer at a
// time. Reads go through [read] or [list], writes through [DB.inTx].
type DB struct {
	Reads  *sql.DB
	Writes *sql.DB        // one connection
	lists  *bounded.Slots // slots for list; the other connections of Reads serve reads by key, which never wait for lists

	path    string
	guard   guard
	frozen  atomic.Bool // the file was opened read-only because it couldn't be opened for writing
	reading string      // open mode for connections to a read-only file
	thawing sync.Mutex  // held while the file is reopened for writing
	refused atomic.Pointer[refusal]
	probing sync.Mutex
}

// readers is the number of read connections; listers is how many of them may read lists at the same time.
const (
	readers = 6
	listers = 2
)

// measure adds the metrics of the connection pools.
func (db *DB) measure(m *telemetry.Metrics, table string) {
	sqltable.Measure(m, table+" reads", db.Reads)
	sqltable.Measure(m, table+" writes", db.Writes)
}

// busyTimeout is how long a connection waits for a lock.
const busyTimeout = 5 * time.Second

// settings apply to every connection, since they are part of the DSN. WAL lets readers continue while a writer commits;
// synchronous=FULL makes each commit wait for fdatasync; an 8 KiB page holds several fights. The page size must be set
// before WAL creates the first page: the driver sorts pragmas by name, and sets the journal mode last only if it is
// spelled _journal_mode.
const settings = "_busy_timeout=5000&_pragma=page_size(8192)&_journal_mode=WAL&_synchronous=FULL"

// These DSN parameters select the connection mode; they are appended to the settings.
const (
	toCreate  = "mode=rwc"
	toWrite   = "mode=rw"
	toRead    = "mode=rw&_query_only=1"
	immutable = "mode=ro&immutable=1&_query_only=1" // takes no lock, and uses no log or other files
)

// Open opens the file and creates it if it is missing. If the file is read-only, or its disk is read-only or full, Open
// opens the file read-only if possible; once the file is writable again, the next write reopens it for writing.
func Open(ctx context.Context, path string) (*DB, error) {
	// This is SQLite's own default on Linux: fdatasync syncs a file's length and contents, but not its timestamps.
	// Other systems use fsync.
	_, _ = sqlite.Fdatasync(true)
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db := &DB{path: path, lists: bounded.NewSlots("lists", listers), guard: guard{settling: settling}}
	db.guard.name(path)
	if err := checkLeftLog(path, db.guard.paths[writeLog]); err != nil {
		return nil, err
	}
	if err := db.open(ctx); err != nil {
		return nil, db.openError(err)
	}
	db.Writes = db.pool(1, toWrite)
	db.Reads = db.pool(readers, toRead)
	if err := db.Reads.PingContext(ctx); err != nil {
		return nil, errors.Join(db.openError(err), db.Close())
	}
	if diskFull(path, fullBelow) {
		db.wrote(storage.Errorf(storage.ErrFull, "%s can't be written: its disk or quota is full", path))
	}
	return db, nil
}

// openError classifies an error from Open in the same way as trouble, and ensures that the message names the file.
func (db *DB) openError(err error) error {
	if err = db.trouble(err); strings.Contains(err.Error(), db.path) {
		return err
	}
	return fmt.Errorf("opening %s: %w", db.path, err)
}

// open opens the guard's own connection, which creates the file if it is missing. A file that can't be written is
// opened read-only.
func (db *DB) open(ctx context.Context) error {
	err := db.connect(ctx, toCreate)
	switch code(err) & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
	default:
		return err
	}
	for _, db.reading = range []string{toRead, immutable} {
		if db.reading == immutable && !complete(db.path, db.guard.paths[writeLog]) {
			continue
		}
		conn, failed := connection(ctx, dsn(db.path, db.reading))
		if failed != nil {
			continue
		}
		_, failed = query(conn, "SELECT count(*) FROM sqlite_master")
		if errors.Join(failed, conn.Close(), db.guard.noteDatabase()) == nil {
			db.frozen.Store(true)
			db.wrote(db.trouble(err))
			return nil
		}
	}
	return err
}

// complete reports whether the database file itself contains every commit. A complete file can be read without a
// write-ahead log and its index, for which there may be no disk space.
func complete(path, logPath string) bool {
	file, err := os.Stat(path)
	if err != nil || file.Size() == 0 {
		return false
	}
	log, err := os.Stat(logPath)
	return errors.Is(err, os.ErrNotExist) || err == nil && log.Size() == 0
}

// connect opens the guard's connection. If several processes switch a new file to WAL at the same time, SQLite refuses
// all but one immediately; the others retry for as long as they would wait for any other lock.
func (db *DB) connect(ctx context.Context, mode string) error {
	for end := time.Now().Add(busyTimeout); ; {
		err := db.guard.open(ctx, dsn(db.path, mode))
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

// thaw tries to reopen a read-only file for writing.
func (db *DB) thaw(ctx context.Context) error {
	db.thawing.Lock()
	defer db.thawing.Unlock()
	if !db.frozen.Load() {
		return nil
	}
	if err := db.connect(ctx, toWrite); err != nil {
		return err
	}
	db.frozen.Store(false)
	return nil
}

func (db *DB) pool(connections int, mode string) *sql.DB {
	pool := sql.OpenDB(&connector{db, mode})
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool
}

// connector opens connections for a pool, unless the path now leads to a different file.
type connector struct {
	db   *DB
	mode string
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.db.guard.identical(); err != nil {
		return nil, err
	}
	if c.mode == toWrite {
		if err := c.db.thaw(ctx); err != nil {
			return nil, c.db.trouble(err)
		}
	}
	conn, err := c.open(ctx)
	if err != nil {
		return nil, c.db.trouble(err)
	}
	if err := c.db.guard.identical(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// open opens a connection. A connection to a file that was opened read-only serves a single read, because the
// connection keeps seeing the file as it was when the connection was opened.
func (c *connector) open(ctx context.Context) (driver.Conn, error) {
	if !c.db.frozen.Load() {
		return connection(ctx, dsn(c.db.path, c.mode))
	}
	conn, err := connection(ctx, dsn(c.db.path, c.db.reading))
	if err != nil {
		return nil, err
	}
	return singleUse{conn.(readingConn)}, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &sqlite.Driver{} }

// readingConn lists the methods that database/sql needs on a read connection.
type readingConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.QueryerContext
}

// singleUse is a connection that the pool closes after its first use.
type singleUse struct{ readingConn }

// IsValid implements driver.Validator.
func (singleUse) IsValid() bool { return false }

func connection(ctx context.Context, dsn string) (driver.Conn, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return connector.Connect(ctx)
}

func dsn(path, mode string) string { return uri(path) + "?" + settings + "&" + mode }

// uri encodes a path as a URI, so that SQLite parses none of its characters as an option.
func uri(path string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// read calls do, which reads from the database, and classifies any error it returns. If a problem with the files is
// already known, read returns that problem without calling do.
func read[R any](db *DB, do func() (R, error)) (result R, err error) {
	if err := db.guard.check(); err != nil {
		return result, err
	}
	result, err = do()
	return result, db.trouble(err)
}

// list is like read, for queries that return many rows, such as a page of a list: it first waits for one of the slots
// reserved for such queries.
func list[R any](ctx context.Context, db *DB, do func() (R, error)) (R, error) {
	return read(db, func() (result R, err error) {
		if err := db.lists.Take(ctx); err != nil {
			return result, err
		}
		defer func() { db.lists.Give(err) }()
		return do()
	})
}

// create runs statements that create missing tables, then queries that check that the tables and columns exist and are
// readable. A read-only file must already contain the tables and columns.
func (db *DB) create(ctx context.Context, what, statements string, queries ...string) error {
	_, err := db.Writes.ExecContext(ctx, statements)
	if err != nil {
		err = fmt.Errorf("creating %s: %w", what, db.waited(err))
		if !errors.Is(err, storage.ErrFull) {
			return err
		}
		db.wrote(err)
	}
	if unreadable := db.readable(ctx, queries...); unreadable != nil {
		return cmp.Or(err, unreadable)
	}
	return nil
}

// ping returns an error if a query fails, or if the files have a problem that can be detected without reading them
// completely.
func (db *DB) ping(ctx context.Context, queries ...string) error {
	if err := db.guard.identical(); err != nil {
		return err
	}
	if err := db.checkFiles(ctx); err != nil {
		return err
	}
	return db.readable(ctx, append([]string{"PRAGMA schema_version"}, queries...)...)
}

// checkFiles checks the files while no other goroutine of this process writes. If a long write is in progress,
// checkFiles returns nil: the commit of that write will check the files.
func (db *DB) checkFiles(ctx context.Context) error {
	if db.frozen.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	conn, err := db.Writes.Conn(ctx)
	if err != nil {
		return nil
	}
	return errors.Join(db.guard.settled(), conn.Close())
}

// readable runs each query and discards its rows.
func (db *DB) readable(ctx context.Context, queries ...string) error {
	for _, query := range queries {
		err := sqltable.Each(ctx, db.Reads, func(*sql.Rows) error { return nil }, query)
		if err != nil {
			return db.trouble(err)
		}
	}
	return nil
}

// Close closes every connection. Closing the last connection checkpoints the write-ahead log into the file. Close
// doesn't modify damaged files, since checkpointing a corrupt log would destroy the database. If any damage hasn't been
// reported yet, Close returns an error for it.
func (db *DB) Close() error {
	known := db.guard.found.Load() != nil
	err := errors.Join(db.Reads.Close(), db.Writes.Close())
	if damage := db.guard.settled(); errors.Is(damage, storage.ErrDamaged) {
		if !known {
			err = errors.Join(err, damage)
		}
		return err // the guard's connection must stay open until the process exits
	}
	return errors.Join(err, db.guard.close())
}
