// Package sqlite is the embedded store: catalogs, fights and statistics, each in a SQLite file. A [DB] promises that
// commits are durable in the file at its path, and reports when that is no longer so. The package knows neither HTTP
// nor the other engines.
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
	"superheroes/internal/storage"
)

// DB is one database file with concurrent readers and one writer, which is what SQLite supports. Writers must call
// Begun once they hold the write lock, and Committed after the commit and before acknowledging it. Readers must call
// Check first. Both pass their errors through Trouble.
type DB struct {
	Reads  *sql.DB
	Writes *sql.DB // one connection; transactions take the write lock when they begin
	// Lists has a slot for each concurrent read of a list page or of many rows in general. It leaves connections of
	// Reads for reads by key, which never wait for lists.
	Lists *bounded.Slots

	path    string
	guard   guard
	frozen  atomic.Bool // opened read-only because it couldn't be opened for writing
	reading string      // the mode of frozen connections
	thawing sync.Mutex  // held while the file is reopened for writing
	refused atomic.Pointer[refusal]
	probing sync.Mutex
}

// readers is the number of connections for reads, and listers how many of them may read lists.
const (
	readers = 6
	listers = 2
)

// busyTimeout is how long a connection waits for a lock.
const busyTimeout = 5 * time.Second

// settings apply to every connection, since they are part of the DSN. WAL lets readers continue while a writer commits;
// synchronous=FULL makes each commit wait for fdatasync; an 8 KiB page holds several fights. The page size must be set
// before WAL creates the first page: the driver sorts pragmas by name, and sets the journal mode after them only if it
// is spelled this way.
const settings = "_busy_timeout=5000&_pragma=page_size(8192)&_journal_mode=WAL&_synchronous=FULL"

// Open opens the file and creates it if it is missing. A file that can't be written, because it or its disk is
// read-only or full, is opened read-only if possible; the first write after that changes reopens it.
func Open(ctx context.Context, path string) (*DB, error) {
	// SQLite's own default on Linux: fdatasync syncs a file's length and contents but not its times. Other systems use
	// fsync.
	_, _ = sqlite.Fdatasync(true)
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db := &DB{path: path, Lists: bounded.NewSlots("lists", listers)}
	db.guard.name(path)
	if err := cmp.Or(checkOrphan(path), checkHeader(path)); err != nil {
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
	db.checkSpace()
	return db, nil
}

// openError is Trouble for an error of Open; it makes sure that the message names the file.
func (db *DB) openError(err error) error {
	if err = db.Trouble(err); strings.Contains(err.Error(), db.path) {
		return err
	}
	return fmt.Errorf("opening %s: %w", db.path, err)
}

// checkOrphan returns an error if there is a write-ahead log without its database. SQLite would create an empty
// database and delete the log, and with it the latest commits.
func checkOrphan(path string) error {
	logPath := resolveLinks(path) + "-wal"
	if log, err := os.Stat(logPath); err != nil || log.Size() == 0 {
		return nil //nolint:nilerr // no log, no orphan
	}
	if file, err := os.Stat(path); err == nil && file.Size() > 0 {
		return nil
	}
	return storage.Errorf(storage.ErrDamaged, "%s is missing or empty, while its log %s holds the latest writes: "+
		"put the file back or restore a backup, or move the log away to start afresh, and restart", path, logPath)
}

// checkHeader returns an error if the write-ahead log doesn't begin with a valid header. SQLite would take it for an
// empty log and overwrite the latest commits. A log that begins with zeros is what a power failure leaves of a new log
// without any commits.
func checkHeader(path string) error {
	path = resolveLinks(path) + "-wal"
	log, err := os.Open(path)
	if err != nil {
		return nil // no log, or SQLite will report the problem
	}
	defer func() { _ = log.Close() }() // it was only read
	header, err := readLogHeader(log)
	if err != nil || header == (logHeader{}) { // shorter than a header
		return nil
	}
	if _, _, err := header.check(); err != nil {
		return storage.As(storage.ErrDamaged, err, path, " is damaged, and holds the latest writes: put it back or restore a backup, "+
			"or move it away to continue without them, and restart")
	}
	return nil
}

// The modes of connections, in addition to the settings.
const (
	toCreate  = "mode=rwc"
	toWrite   = "mode=rw&_txlock=immediate"
	toRead    = "mode=rw&_query_only=1"
	immutable = "mode=ro&immutable=1&_query_only=1" // no lock, no log, no other files
)

// open opens the guard's connection, which creates a missing file. A file that can't be written is opened read-only.
func (db *DB) open(ctx context.Context) error {
	err := db.connect(ctx, toCreate)
	switch code(err) & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
	default:
		return err
	}
	for _, db.reading = range []string{toRead, immutable} {
		if db.reading == immutable && !complete(db.path) {
			continue
		}
		conn, failed := connection(ctx, dsn(db.path, db.reading))
		if failed != nil {
			continue
		}
		_, failed = query(conn, "SELECT count(*) FROM sqlite_master")
		if errors.Join(failed, conn.Close(), db.guard.noteDatabase()) == nil {
			db.frozen.Store(true)
			db.Wrote(db.Trouble(err))
			return nil
		}
	}
	return err
}

// complete reports whether the database file itself holds every commit. Then it can be read without a write-ahead log
// and its index, for which there may be no disk space.
func complete(path string) bool {
	file, err := os.Stat(path)
	if err != nil || file.Size() == 0 {
		return false
	}
	log, err := os.Stat(resolveLinks(path) + "-wal")
	return errors.Is(err, os.ErrNotExist) || err == nil && log.Size() == 0
}

// connect opens the guard's connection. If several processes switch a new file to WAL at the same time, SQLite refuses
// all but one without waiting; the others retry for as long as they would wait for any other lock.
func (db *DB) connect(ctx context.Context, options string) error {
	for end := time.Now().Add(busyTimeout); ; {
		err := db.guard.open(ctx, dsn(db.path, options))
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

// thaw reopens a read-only file for writing, if that is possible by now.
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

// Frozen reports whether the file was opened read-only. A connection then sees the file as it was when the connection
// was opened.
func (db *DB) Frozen() bool { return db.frozen.Load() }

func (db *DB) pool(connections int, options string) *sql.DB {
	pool := sql.OpenDB(&connector{db, options})
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool
}

// connector opens a pool's connections, but never to a different file than the one opened first.
type connector struct {
	db      *DB
	options string
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.db.guard.identical(); err != nil {
		return nil, err
	}
	if c.options == toWrite {
		if err := c.db.thaw(ctx); err != nil {
			return nil, c.db.Trouble(err)
		}
	}
	conn, err := c.open(ctx)
	if err != nil {
		return nil, c.db.Trouble(err)
	}
	if err := c.db.guard.identical(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// open opens a connection. One to a frozen file is used for a single read: it doesn't see writes made after the file
// thaws.
func (c *connector) open(ctx context.Context) (driver.Conn, error) {
	if c.db.frozen.Load() {
		conn, err := connection(ctx, dsn(c.db.path, c.db.reading))
		if c.db.frozen.Load() {
			return singleUse(conn), err
		}
		if err == nil {
			_ = conn.Close() // it was never used
		}
	}
	return connection(ctx, dsn(c.db.path, c.options))
}

// singleUse wraps conn so that the pool closes it after its first use.
func singleUse(conn driver.Conn) driver.Conn {
	sqliteConn, ok := conn.(readingConn)
	if !ok { // conn is nil
		return conn
	}
	return singleUseConn{sqliteConn}
}

// readingConn lists the methods that database/sql needs of a connection for reads.
type readingConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.QueryerContext
}

type singleUseConn struct{ readingConn }

// IsValid implements driver.Validator.
func (singleUseConn) IsValid() bool { return false }

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return &sqlite.Driver{} }

func connection(ctx context.Context, dsn string) (driver.Conn, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return connector.Connect(ctx)
}

func dsn(path, options string) string { return uri(path) + "?" + settings + "&" + options }

// uri encodes a path so that no character in it is parsed as an option.
func uri(path string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// Check returns a known problem with the files; call it before a read. It checks that the files are still the ones that
// were opened at most every tenth of a second, which costs nothing measurable.
func (db *DB) Check() error { return db.guard.identicalIfDue() }

// Begun must be called by a transaction that holds the write lock, before it writes. It returns an error if the files
// are no longer those that were opened, or were changed by anything but SQLite.
func (db *DB) Begun() error { return db.guard.begun() }

// Committed must be called after a commit, before it is acknowledged. An error means that it is unknown whether the
// commit is in the files at the path.
func (db *DB) Committed() error { return db.guard.committed() }

// Ping returns an error if anything is wrong with the files that can be found out without reading them completely.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.guard.identical(); err != nil {
		return err
	}
	if !db.frozen.Load() && db.guard.touched() {
		if err := db.withoutWriter(ctx, db.guard.settled); err != nil {
			return err
		}
	}
	var version int64
	return db.Trouble(db.Reads.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version))
}

// Readable runs each query and discards its rows, to check that tables and columns exist and can be read.
func (db *DB) Readable(ctx context.Context, queries ...string) error {
	for _, query := range queries {
		if err := db.tryRead(ctx, query); err != nil {
			return db.Trouble(err)
		}
	}
	return nil
}

func (db *DB) tryRead(ctx context.Context, query string) error {
	rows, err := db.Reads.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // rows.Err reports what matters
	rows.Next()
	return rows.Err()
}

// withoutWriter runs look while no other goroutine of this process writes. If another one writes for long, it returns
// nil: its commit will check the files itself.
func (db *DB) withoutWriter(ctx context.Context, look func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	conn, err := db.Writes.Conn(ctx)
	if err != nil {
		return nil
	}
	return errors.Join(look(), conn.Close())
}

// Close closes every connection. Closing the last one checkpoints the write-ahead log into the file. If there is
// damage, the files are left as they are, since a corrupt log would destroy the database. Damage that was not reported
// yet is returned.
func (db *DB) Close() error {
	known := db.guard.found.Load() != nil
	err := errors.Join(db.Reads.Close(), db.Writes.Close())
	if damage := db.guard.settled(); errors.Is(damage, storage.ErrDamaged) {
		if !known {
			err = errors.Join(err, damage)
		}
		return err // the guard's connection stays open until the process exits
	}
	return errors.Join(err, db.guard.close())
}
