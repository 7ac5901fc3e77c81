// Package sqlite is the embedded store: catalogs, fights and statistics, each in a database file. A [DB] makes what is committed
// durable, in the file at its path, and reports it when that is no longer so.
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

// DB is one database file: any number of readers beside one writer, which is what SQLite allows. Whoever writes calls
// Begun once it holds the write lock, and Committed after its commit and before it tells anybody; whoever reads calls
// Check before, and both pass their errors through Trouble.
type DB struct {
	Reads  *sql.DB
	Writes *sql.DB // one connection; transactions take the write lock when they begin
	// Lists has a slot for each page of a list, and whatever else reads many rows, that may be read at the same time. It leaves
	// connections of Reads for reads by key, which wait for no list.
	Lists *bounded.Slots

	path    string
	guard   guard
	frozen  atomic.Bool // opened for reading only, because it couldn't be opened for writing
	reading string      // how, then
	thawing sync.Mutex  // held while that ends
	refused atomic.Pointer[refusal]
	probing sync.Mutex
}

// readers is how many connections read, and listers how many of them read lists.
const (
	readers = 6
	listers = 2
)

// busyTimeout is how long a connection waits for a lock that another one holds.
const busyTimeout = 5 * time.Second

// settings hold for every connection, because they stand in the DSN. WAL lets readers go on beside the writer;
// synchronous=FULL has each commit wait for fdatasync; a page of 8 KiB holds several fights. The size must come before
// WAL, which makes the first page: the driver sorts pragmas by name, and sets the journal mode behind them only when it
// is spelled as here.
const settings = "_busy_timeout=5000&_pragma=page_size(8192)&_journal_mode=WAL&_synchronous=FULL"

// Open opens the file, and creates it when it is missing. A file that can't be written, because it or its disk is
// read-only or full, is opened for reading when that is possible: the first write that finds it otherwise opens it anew.
func Open(ctx context.Context, path string) (*DB, error) {
	// SQLite's own choice on Linux: it syncs a file's length and contents, not its times. Where there is none it is fsync.
	_, _ = sqlite.Fdatasync(true)
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db := &DB{path: path, Lists: bounded.NewSlots("lists", listers)}
	db.guard.name(path)
	if err := cmp.Or(orphaned(path), headless(path)); err != nil {
		return nil, err
	}
	if err := db.open(ctx); err != nil {
		return nil, db.opening(err)
	}
	db.Writes = db.pool(1, toWrite)
	db.Reads = db.pool(readers, toRead)
	if err := db.Reads.PingContext(ctx); err != nil {
		return nil, errors.Join(db.opening(err), db.Close())
	}
	db.weigh()
	return db, nil
}

// opening is Trouble for an error of Open, which names the file.
func (db *DB) opening(err error) error {
	if err = db.Trouble(err); strings.Contains(err.Error(), db.path) {
		return err
	}
	return fmt.Errorf("opening %s: %w", db.path, err)
}

// orphaned returns an error when there is a write-ahead log without its database. SQLite would create an empty database
// and delete the log, with all that was committed last.
func orphaned(path string) error {
	logPath := linked(path) + "-wal"
	if log, err := os.Stat(logPath); err != nil || log.Size() == 0 {
		return nil //nolint:nilerr // no log, no orphan
	}
	if file, err := os.Stat(path); err == nil && file.Size() > 0 {
		return nil
	}
	return storage.Errorf(storage.ErrDamaged, "%s is missing or empty, while its log %s holds what was stored last: "+
		"put the file back or restore a backup, or move the log away to start afresh, and restart", path, logPath)
}

// headless returns an error when the write-ahead log begins with something else than a header. SQLite would take it for an
// empty log and write over all that was committed last. One that begins with zeros is what a power failure leaves of a new
// log, in which nothing was committed yet.
func headless(path string) error {
	path = linked(path) + "-wal"
	log, err := os.Open(path)
	if err != nil {
		return nil // no log, or one that SQLite will say more about
	}
	defer func() { _ = log.Close() }() // it was only read
	header, err := readLogHeader(log)
	if err != nil || header == (logHeader{}) { // it is shorter than a header
		return nil
	}
	if _, _, err := header.check(); err != nil {
		return storage.As(storage.ErrDamaged, err, path, " is damaged, and holds what was stored last: put it back or restore a backup, "+
			"or move it away to go on without that, and start again")
	}
	return nil
}

// What a connection is for, besides the settings.
const (
	toCreate  = "mode=rwc"
	toWrite   = "mode=rw&_txlock=immediate"
	toRead    = "mode=rw&_query_only=1"
	immutable = "mode=ro&immutable=1&_query_only=1" // no lock, no log, nothing beside the file
)

// open has the guard take its connection, which creates a missing file. What can't be written is opened for reading.
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

// complete reports whether the database file itself holds everything that is committed. Then it can be read without a
// write-ahead log and what belongs to it, for which there may be no room.
func complete(path string) bool {
	file, err := os.Stat(path)
	if err != nil || file.Size() == 0 {
		return false
	}
	log, err := os.Stat(linked(path) + "-wal")
	return errors.Is(err, os.ErrNotExist) || err == nil && log.Size() == 0
}

// connect makes the guard's connection. Of several processes that turn one new file into WAL at the same time SQLite
// refuses all but one, without waiting; they try again, for as long as they would wait for any other lock.
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

// thaw opens for writing what was opened for reading only, if that is possible by now.
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

// Frozen reports whether the file was opened for reading only. A connection then sees the file as it was when that
// connection was made.
func (db *DB) Frozen() bool { return db.frozen.Load() }

func (db *DB) pool(connections int, options string) *sql.DB {
	pool := sql.OpenDB(&connector{db, options})
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool
}

// connector makes a pool's connections: never to a file that isn't the one that was opened first.
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

// open opens a connection. One to a frozen file is for one read: it sees the file as it is now, whatever is written when
// that has thawed.
func (c *connector) open(ctx context.Context) (driver.Conn, error) {
	if c.db.frozen.Load() {
		conn, err := connection(ctx, dsn(c.db.path, c.db.reading))
		if c.db.frozen.Load() {
			return onceOnly(conn), err
		}
		if err == nil {
			_ = conn.Close() // nothing was asked of it
		}
	}
	return connection(ctx, dsn(c.db.path, c.options))
}

// onceOnly returns conn as one that the pool closes when it is given back.
func onceOnly(conn driver.Conn) driver.Conn {
	sqliteConn, ok := conn.(readingConn)
	if !ok { // there is none
		return conn
	}
	return usedOnce{sqliteConn}
}

// readingConn is what database/sql needs of a connection for reads.
type readingConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.QueryerContext
}

type usedOnce struct{ readingConn }

// IsValid implements driver.Validator.
func (usedOnce) IsValid() bool { return false }

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

// uri spells a path so that no character in it is taken for an option.
func uri(path string) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}

// Check returns the trouble that is known, before a read. Whether the files are still those that were opened is looked
// up when the last look is a tenth of a second ago: that often it costs nothing that can be measured.
func (db *DB) Check() error { return db.guard.glance() }

// Begun must be called by a transaction that holds the write lock, before it writes. It returns an error when the files
// are no longer those that were opened, or were changed by something else than SQLite.
func (db *DB) Begun() error { return db.guard.begun() }

// Committed must be called after a commit, before anybody is told of it. An error means that it is unknown whether what
// was committed is in the files at the path.
func (db *DB) Committed() error { return db.guard.committed() }

// Ping returns what is wrong with the files, by everything that this package can tell without reading all of them.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.guard.identical(); err != nil {
		return err
	}
	if !db.frozen.Load() && db.guard.touched() {
		if err := db.alone(ctx, db.guard.settled); err != nil {
			return err
		}
	}
	var version int64
	return db.Trouble(db.Reads.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version))
}

// Readable runs each query and drops its rows: tables and columns are there, and can be read.
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
	defer func() { _ = rows.Close() }() // rows.Err says what matters
	rows.Next()
	return rows.Err()
}

// alone has look run while nobody in this process writes. When somebody does for long, whose commit looks by itself, it
// returns nil.
func (db *DB) alone(ctx context.Context, look func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	conn, err := db.Writes.Conn(ctx)
	if err != nil {
		return nil
	}
	return errors.Join(look(), conn.Close())
}

// Close closes every connection. The last one moves the write-ahead log into the file. What is damaged is left as it is
// instead: garbage in the log would destroy what is in the database. Damage that nobody was told of yet is an error.
func (db *DB) Close() error {
	known := db.guard.found.Load() != nil
	err := errors.Join(db.Reads.Close(), db.Writes.Close())
	if damage := db.guard.settled(); errors.Is(damage, storage.ErrDamaged) {
		if !known {
			err = errors.Join(err, damage)
		}
		return err // the guard's connection ends with the process
	}
	return errors.Join(err, db.guard.close())
}
