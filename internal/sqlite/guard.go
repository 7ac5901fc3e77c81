package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"superheroes/internal/storage"
)

// guard detects when the files at a database's path are no longer the files that SQLite has open, or when anything
// other than SQLite has changed them. SQLite itself doesn't detect such changes: it keeps using a file that was
// removed, and leaves a hole in a write-ahead log that was truncated.
//
// The guard always keeps a connection of its own open, because as long as a connection exists, SQLite neither deletes
// nor replaces a file. So each file keeps its identity (its device and inode) as long as the guard exists. The guard
// never opens the database file directly, since closing it would release SQLite's locks on it; for the log's index, see
// indexFile.
type guard struct {
	paths [3]string
	found atomic.Pointer[storage.Error] // a permanent problem
	last  atomic.Int64                  // time of the last check of the files' identities, in nanoseconds

	settling time.Duration // how long to wait for a checkpoint; see the constant settling

	mu     sync.Mutex
	conn   driver.Conn // nil if the file was opened read-only
	log    *os.File
	index  *indexFile
	known  [3]fileStat // state of the files after SQLite's last known change
	header logHeader   // of the log
	copied copied      // frames copied from the log into the database
	sparse bool        // the files occupy less disk space than their length, because the file system compresses them
}

// The files of a database.
const (
	mainFile = iota
	writeLog // the write-ahead log
	logIndex // shared memory: the index of the log
)

// fileStat describes a file. Every write to the file changes its fileStat.
type fileStat struct {
	identity
	size, blocks, modified int64
}

// identity identifies a file. The identity is zero if there is no file, or if the system has no inodes.
type identity struct{ device, inode uint64 }

// same reports whether the file was unchanged between two calls to stat. Block counts are ignored: some file systems,
// such as ZFS, update them seconds after a write.
func (s fileStat) same(other fileStat) bool {
	return s.size == other.size && s.modified == other.modified
}

// hasHole reports whether part of the file occupies no disk space. hasHole returns false on systems that don't report
// block counts.
func (s fileStat) hasHole() bool { return s.blocks > 0 && s.size > 512*s.blocks }

// copied records how many frames of a log SQLite has copied into the database in checkpoints. The log is identified by
// its header and by its salt, which also changes if the log was restarted and truncated to length zero.
type copied struct {
	log    logHeader
	salt   uint64
	frames int64
}

// checkInterval is the minimum time between two checks of the files by readers.
const checkInterval = 100 * time.Millisecond

// settling is how long to wait for another process to finish a checkpoint, provided nothing else can have changed the
// database.
const settling = 2 * time.Second

// name sets the paths. If the path is a symbolic link, SQLite places its other files next to the target.
func (g *guard) name(path string) {
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		file = path
	}
	g.paths = [3]string{path, file + "-wal", file + "-shm"}
}

// open opens the guard's connection and records its files. It fails if the files can't be written.
func (g *guard) open(ctx context.Context, dsn string) error {
	conn, err := connection(ctx, dsn)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conn = conn
	if err := g.note(); err != nil {
		return errors.Join(err, g.closeFiles())
	}
	return nil
}

// note records the state of the connection's files. It reads the checkpoint progress before it stats the files, so
// frames copied in between are noticed at the next check.
func (g *guard) note() (err error) {
	if _, err := query(g.conn, "PRAGMA schema_version"); err != nil { // makes SQLite open all of its files
		return err
	}
	g.name(g.paths[mainFile]) // the target of a link may have just been created
	if g.log, err = os.Open(g.paths[writeLog]); err != nil {
		return err
	}
	if g.header, err = readLogHeader(g.log); err != nil {
		return err
	}
	if g.index, err = openIndex(g.paths[logIndex]); err != nil {
		return err
	}
	if g.copied, _, err = g.progress(); err != nil {
		return err
	}
	var known [3]fileStat
	for i := range g.paths {
		if known[i], err = stat(g.paths[i]); err != nil {
			return err
		}
	}
	g.known = known
	return nil
}

// noteDatabase is like note, for a database that is opened without a log, an index or a guard connection.
func (g *guard) noteDatabase() (err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known = [3]fileStat{}
	g.known[mainFile], err = stat(g.paths[mainFile])
	return err
}

func (g *guard) close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closeFiles()
}

// closeFiles closes the guard's connection and then its files. The caller must hold the mutex.
func (g *guard) closeFiles() (err error) {
	if g.conn != nil {
		err = g.conn.Close()
	}
	if g.log != nil {
		_ = g.log.Close() // it was only read
	}
	err = errors.Join(err, g.index.close())
	g.conn, g.log, g.index = nil, nil, nil
	return err
}

// check returns a known problem, or checks the files on behalf of a reader: at most once per checkInterval, so that the
// cost is negligible.
func (g *guard) check() error {
	if found := g.found.Load(); found != nil {
		return found
	}
	if !g.due() {
		return nil
	}
	return g.identical()
}

// due reports whether all files are due for a check. If several goroutines call it concurrently, only one of them gets
// true.
func (g *guard) due() bool {
	now, last := time.Now().UnixNano(), g.last.Load()
	return now-last >= int64(checkInterval) && g.last.CompareAndSwap(last, now)
}

// identical returns an error if one of the files is no longer at its path.
func (g *guard) identical() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, err := g.statFiles(g.paths[:])
	return err
}

// statFiles stats the files at the paths and checks that they are the files that were opened. The caller must hold the
// mutex.
func (g *guard) statFiles(paths []string) (now [3]fileStat, err error) {
	if found := g.found.Load(); found != nil {
		return now, found
	}
	now = g.known
	for i, path := range paths {
		if g.known[i] == (fileStat{}) {
			continue // opened without a log
		}
		now[i], err = stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return now, g.fail(nil, path+" was removed")
		case err != nil:
			return now, storage.As(storage.ErrUnavailable, err, "can't check whether ", path, " is still there")
		case now[i].identity != g.known[i].identity:
			return now, g.fail(nil, path+" was replaced")
		}
	}
	return now, nil
}

// fail records a permanent problem with the files, and returns it as an error.
func (g *guard) fail(cause error, what string) error {
	g.found.CompareAndSwap(nil, &storage.Error{Kind: storage.ErrDamaged, Err: cause,
		Detail: what + ": put the files back or restore a backup, or move " + g.paths[mainFile] + " and the files that " +
			"belong to it away to start afresh, and restart; until then nothing is stored"})
	return g.found.Load()
}

// begun must be called within a transaction that holds the write lock, before its first write. It returns an error if
// the files are no longer the ones that were opened, or were changed by anything but SQLite.
func (g *guard) begun() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn != nil && g.found.Load() == nil {
		if log, err := statOpen(g.log); err != nil || log.same(g.known[writeLog]) {
			return err
		}
	}
	return g.settle() // another process has committed, or another program has written to the log
}

// settled checks all files. While settled runs, no goroutine of this process may write to the database.
func (g *guard) settled() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settle()
}

// settle checks that only SQLite has changed the files since the last check. The caller must hold the mutex.
func (g *guard) settle() error {
	if found := g.found.Load(); found != nil {
		return found
	}
	if g.conn == nil {
		return nil
	}
	now, err := g.statFiles(g.paths[:])
	if err != nil {
		return err
	}
	if !now[writeLog].same(g.known[writeLog]) {
		if err := g.readLog(); err != nil {
			return err
		}
	}
	return g.adopt(now)
}

// committed must be called after a commit, before the commit is acknowledged. An error means that it is unknown whether
// the files at the path contain the commit. committed checks that the files are still at the path, and that the log up
// to the commit is intact, but doesn't read the data of the commit itself. A log that shrank, or that has a new header
// even though SQLite didn't restart it, was changed by another program. A log with a hole was changed by another
// program as well: SQLite creates a hole when it continues to write at its old offset after the file was truncated.
//
// The log's index is checked only as often as readers check it: a stat by path accounts for most of the cost, and
// losing the index loses no data, since recovery rebuilds it.
func (g *guard) committed() error {
	paths := g.paths[:logIndex]
	if g.due() {
		paths = g.paths[:]
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now, err := g.statFiles(paths)
	if err != nil || g.conn == nil {
		return err
	}
	header, err := readLogHeader(g.log)
	if err != nil {
		return g.fail(err, g.paths[writeLog]+" is damaged")
	}
	log := now[writeLog]
	before, hole := g.known[writeLog], log.hasHole() && !g.sparse
	if header != g.header || hole || log.size < before.size || log.blocks < before.blocks {
		if err := g.readLog(); err != nil {
			return err
		}
		g.sparse = g.sparse || hole
	}
	return g.adopt(now)
}

// adopt records the current state of the files as their last known state. It returns an error if the database file was
// changed by anything but a checkpoint. The caller must hold the mutex.
func (g *guard) adopt(now [3]fileStat) (err error) {
	switch {
	case !now[mainFile].same(g.known[mainFile]):
		if err := g.copiedSince(); err != nil {
			return err
		}
		if now, err = g.statFiles(g.paths[:]); err != nil { // frames copied in between are noticed at the next check
			return err
		}
	case g.header != g.copied.log: // the log was restarted after all of its frames were copied
		copied, _, err := g.progress()
		if err != nil {
			return err
		}
		g.copied = copied
	}
	g.known = now
	return nil
}

// copiedSince returns nil if SQLite has checkpointed frames, or has begun to, since the last call to progress. A
// checkpoint that has started but not finished is either still in progress, or was abandoned because the disk is full
// or the process exited. The caller must hold the mutex.
func (g *guard) copiedSince() error {
	for end := time.Now().Add(g.settling); ; time.Sleep(10 * time.Millisecond) {
		now, begun, err := g.progress()
		if err != nil {
			return err
		}
		if now != g.copied || begun {
			g.copied = now
			return nil
		}
		if time.Now().After(end) {
			return g.fail(nil, g.paths[mainFile]+" was changed by another program")
		}
	}
}

// progress returns how many frames of the log have been copied into the database, and whether SQLite has begun to copy
// more. The caller must hold the mutex.
func (g *guard) progress() (now copied, begun bool, err error) {
	salt, attempted, err := g.index.read()
	if err != nil {
		return now, false, err
	}
	now.salt = salt
	if _, now.frames, err = frames(g.conn); err != nil {
		return now, false, err
	}
	now.log, _ = readLogHeader(g.log) // the zero header if the log is empty
	return now, attempted > now.frames, nil
}

// readLog verifies every checksum of the log. The caller must hold the mutex.
func (g *guard) readLog() error {
	for attempt := 1; ; attempt++ {
		first, err := readLogHeader(g.log)
		if err != nil {
			return g.fail(err, g.paths[writeLog]+" is damaged")
		}
		before, _, err := frames(g.conn)
		if err != nil {
			return err
		}
		header, err := checkLog(g.log, before)
		if err == nil {
			g.header = header
			return nil
		}
		// Another process may have restarted the log in the meantime, even before its header was read.
		if now, _ := readLogHeader(g.log); now == first || attempt == 5 {
			return g.fail(err, g.paths[writeLog]+" is damaged")
		}
	}
}

// frames returns how many frames are in the log, and how many of them were copied into the database.
func frames(conn driver.Conn) (log, copied int64, err error) {
	row, err := query(conn, "PRAGMA wal_checkpoint(NOOP)")
	if err != nil || len(row) < 3 {
		return 0, 0, fmt.Errorf("reading the state of the log: %w", err)
	}
	log, _ = row[1].(int64)
	copied, _ = row[2].(int64)
	return log, copied, nil
}

// query runs a query and returns the first row of its result.
func query(conn driver.Conn, text string) (row []driver.Value, err error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(context.Background(), text, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row = make([]driver.Value, len(rows.Columns()))
	return row, rows.Next(row)
}
