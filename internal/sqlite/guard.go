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

// guard notices if the files are no longer those that SQLite has open, or were changed by anything but SQLite. SQLite
// itself doesn't: it keeps using a file that was removed, and writes past a hole in a truncated log.
//
// The guard always holds its own connection, because as long as there is one, SQLite neither deletes nor replaces a
// file. So each file keeps its identity, its device and inode, for the whole lifetime. The guard doesn't open the database
// by itself, since closing it would release SQLite's locks on it; for the log's index, see indexFile.
type guard struct {
	paths [3]string
	found atomic.Pointer[storage.Error] // a permanent problem
	last  atomic.Int64                  // when the identities were last checked, in nanoseconds

	settling time.Duration // see the constant

	mu     sync.Mutex
	conn   driver.Conn // nil if the file is frozen
	log    *os.File
	index  *indexFile
	known  [3]fileStat // the last known state that SQLite left behind
	header logHeader   // of the log
	copied copied      // from the log into the database
	sparse bool        // files occupy less disk space than their length: the file system compresses them
}

// The files of a database.
const (
	mainFile = iota
	writeLog // the write-ahead log
	logIndex // shared memory: the index of the log
)

// fileStat is the state of a file. It changes with every write.
type fileStat struct {
	identity
	size, blocks, modified int64
}

// identity is zero if there is no file, or the system has no identities.
type identity struct{ device, inode uint64 }

// same reports whether nobody has written in between. Blocks don't count: some file systems, such as ZFS, update them
// seconds after a write.
func (s fileStat) same(other fileStat) bool {
	return s.size == other.size && s.modified == other.modified
}

// hasHole reports whether a part of the file occupies no disk space. Some systems don't report blocks.
func (s fileStat) hasHole() bool { return s.blocks > 0 && s.size > 512*s.blocks }

// copied records how many frames of a log SQLite has checkpointed into the database. The log is identified by its
// header and by its salt, which also changes if the log was restarted and truncated to nothing.
type copied struct {
	log    logHeader
	salt   uint64
	frames int64
}

// checkInterval is the minimum time between checks by readers.
const checkInterval = 100 * time.Millisecond

// settling is how long to wait for another process's checkpoint to finish if only that can have changed the database.
const settling = 2 * time.Second

// name sets the paths. SQLite places its other files next to the file that a symbolic link refers to.
func (g *guard) name(path string) {
	file, err := filepath.EvalSymlinks(path)
	if err != nil {
		file = path
	}
	g.paths = [3]string{path, file + "-wal", file + "-shm"}
}

// open opens the guard's connection and records its files. It fails if they can't be written.
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

// note records the files of the connection. It reads the checkpoint progress before it stats the files: frames copied
// in between are noticed next time.
func (g *guard) note() (err error) {
	if _, err := query(g.conn, "PRAGMA schema_version"); err != nil { // makes SQLite open all the files
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

// noteDatabase is like note for a database that is read without a connection of the guard, and without other files that
// others might replace.
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

// closeFiles closes the connection and then the files. The caller holds the mutex.
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

// check returns a known problem, or checks the files for readers: at most every checkInterval, which costs nothing
// measurable.
func (g *guard) check() error {
	if found := g.found.Load(); found != nil {
		return found
	}
	if !g.due() {
		return nil
	}
	return g.identical()
}

// due reports whether it is time to check all files again, to only one of its concurrent callers.
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

// statFiles stats the files at the paths and checks that they are those that were opened. The caller holds the mutex.
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

// fail records a permanent problem and returns it.
func (g *guard) fail(cause error, what string) error {
	g.found.CompareAndSwap(nil, &storage.Error{Kind: storage.ErrDamaged, Err: cause,
		Detail: what + ": put the files back or restore a backup, or move " + g.paths[mainFile] + " and the files that " +
			"belong to it away to start afresh, and restart; until then nothing is stored"})
	return g.found.Load()
}

// begun must be called by a transaction that holds the write lock, before it writes. It returns an error if the files
// are no longer those that were opened, or were changed by anything but SQLite.
func (g *guard) begun() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn != nil && g.found.Load() == nil {
		if log, err := statOpen(g.log); err != nil || log.same(g.known[writeLog]) {
			return err
		}
	}
	return g.settle() // another process has committed, or another program has written
}

// settled checks all files. Nobody in this process may be writing.
func (g *guard) settled() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.settle()
}

// settle checks that only SQLite has changed the files since the last check. The caller holds the mutex.
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

// committed must be called after a commit, before it is acknowledged; an error means that it is unknown whether the
// commit is in the files at the path. It checks that they are still there, and that what preceded the commit is intact,
// without reading the data of the commit itself. A log that became smaller, or has a new header without having been
// restarted by SQLite, was changed by another program. So was one with a hole: SQLite leaves one if it continues at its
// old offset after the file was truncated.
//
// The log's index is checked only as often as readers check it: a stat by path is most of the cost, and since recovery
// rebuilds the index, losing it loses no data.
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

// adopt records the state of the files. The database file itself may only have changed through a checkpoint. The caller
// holds the mutex.
func (g *guard) adopt(now [3]fileStat) (err error) {
	switch {
	case !now[mainFile].same(g.known[mainFile]):
		if err := g.copiedSince(); err != nil {
			return err
		}
		if now, err = g.statFiles(g.paths[:]); err != nil { // frames copied in between are noticed next time
			return err
		}
	case g.header != g.copied.log: // the log was restarted after all of it was copied
		copied, _, err := g.progress()
		if err != nil {
			return err
		}
		g.copied = copied
	}
	g.known = now
	return nil
}

// copiedSince returns nil if SQLite has checkpointed frames since progress was last read, or has begun to: then a
// checkpoint is in progress, or was abandoned because the disk is full or the process ended. The caller holds the
// mutex.
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

// progress returns how many frames were copied, and whether SQLite has begun to copy more. The caller holds the mutex.
func (g *guard) progress() (now copied, begun bool, err error) {
	salt, attempted, err := g.index.read()
	if err != nil {
		return now, false, err
	}
	now.salt = salt
	if _, now.frames, err = frames(g.conn); err != nil {
		return now, false, err
	}
	now.log, _ = readLogHeader(g.log) // zero if the log is empty
	return now, attempted > now.frames, nil
}

// readLog verifies every checksum of the log. The caller holds the mutex.
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
		// Another process may have restarted the log meanwhile, even before its header was read.
		if now, _ := readLogHeader(g.log); now == first || attempt == 5 {
			return g.fail(err, g.paths[writeLog]+" is damaged")
		}
	}
}

// frames returns how many frames are in the log, and how many of them are in the database as well.
func frames(conn driver.Conn) (log, copied int64, err error) {
	row, err := query(conn, "PRAGMA wal_checkpoint(NOOP)")
	if err != nil || len(row) < 3 {
		return 0, 0, fmt.Errorf("reading the state of the log: %w", err)
	}
	log, _ = row[1].(int64)
	copied, _ = row[2].(int64)
	return log, copied, nil
}

// query returns the first row of a result.
func query(conn driver.Conn, text string) (row []driver.Value, err error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(context.Background(), text, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row = make([]driver.Value, len(rows.Columns()))
	return row, rows.Next(row)
}
