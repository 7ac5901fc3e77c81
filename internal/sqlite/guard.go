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

// guard notices when the files are no longer those that SQLite has open, or were changed by something else. SQLite does
// not: it goes on in a file that was removed, and behind a hole in a log that was truncated.
//
// It holds a connection of its own, so that there always is one: while there is, SQLite neither deletes nor replaces a
// file. So each file has one identity, its device and inode, from the beginning to the end. It opens neither the database
// nor the index of the log itself: to close them would give up the locks that SQLite holds on them.
type guard struct {
	paths [3]string
	found atomic.Pointer[storage.Error] // what is wrong, for good
	last  atomic.Int64                  // when the identities were looked up last, in nanoseconds

	mu     sync.Mutex
	conn   driver.Conn
	log    *os.File
	index  *indexFile
	known  [3]fileStat // as SQLite left them, so far as is known
	header logHeader   // of the log
	copied copied      // from the log into the database
	sparse bool        // files take less room than they are long: the file system compresses them
}

// The files of a database.
const (
	mainFile = iota
	writeLog // the write-ahead log
	logIndex // shared memory: what is where in the log
)

type (
	fileStat struct {
		identity
		content
	}
	// identity is zero where there is no file, or where the system tells none.
	identity struct{ device, inode uint64 }
	// content changes when somebody writes.
	content struct{ size, blocks, modified int64 }
)

// same reports whether nobody has written between the two. The blocks don't count: some file systems, such as ZFS, settle
// them seconds after a write.
func (c content) same(other content) bool {
	return c.size == other.size && c.modified == other.modified
}

// hole returns how much of a file takes no room.
func (c content) hole() int64 {
	if c.blocks == 0 { // the system doesn't tell
		return 0
	}
	return max(0, c.size-512*c.blocks)
}

// copied is how many frames of a log SQLite has copied into the database. The log's header names it, and the salt, which is
// another one too when the log was begun anew and cut to nothing.
type copied struct {
	log    logHeader
	salt   uint64
	frames int64
}

// glances is the least time between two looks that reads take.
const glances = 100 * time.Millisecond

// settling is how long a checkpoint of another process may take until it is done, when it is all that may have changed
// the database.
const settling = 2 * time.Second

func (g *guard) name(path string) {
	file := linked(path)
	g.paths = [3]string{path, file + "-wal", file + "-shm"}
}

// linked returns the file that a path names through links: SQLite keeps its other files beside that one.
func linked(path string) string {
	if file, err := filepath.EvalSymlinks(path); err == nil {
		return file
	}
	return path
}

// open takes the connection and notes which files it has. It fails where they can't be written.
func (g *guard) open(ctx context.Context, dsn string) error {
	conn, err := connection(ctx, dsn)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.note(conn); err != nil {
		if g.log != nil {
			_ = g.log.Close() // it was only read
			g.log = nil
		}
		err = errors.Join(err, conn.Close(), g.index.close())
		g.index = nil
		return err
	}
	g.conn = conn
	return nil
}

// note notes the files of a connection. How much was copied is asked before the files are looked at: what is copied in
// between is seen the next time.
func (g *guard) note(conn driver.Conn) (err error) {
	if _, err := query(conn, "PRAGMA schema_version"); err != nil { // has SQLite open all the files
		return err
	}
	g.name(g.paths[mainFile]) // what a link leads to may have been created
	if g.log, err = os.Open(g.paths[writeLog]); err != nil {
		return err
	}
	if g.header, err = readLogHeader(g.log); err != nil {
		return err
	}
	if g.index, err = openIndex(g.paths[logIndex]); err != nil {
		return err
	}
	if g.copied, _, err = g.progress(conn); err != nil {
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

// noteDatabase is note for a database that is read without a connection of the guard's own, and without any file that
// others may not replace beside it.
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
	var failures []error
	if g.conn != nil {
		failures = append(failures, g.conn.Close())
	}
	if g.log != nil {
		failures = append(failures, g.log.Close())
	}
	failures = append(failures, g.index.close()) // behind the connections
	g.conn, g.log, g.index = nil, nil, nil
	return errors.Join(failures...)
}

// glance is identical for reads: it looks once in a while.
func (g *guard) glance() error {
	if found := g.found.Load(); found != nil {
		return found
	}
	if !g.due() {
		return nil
	}
	return g.identical()
}

// due reports, to one of those who ask, whether it is time to look at all the files again.
func (g *guard) due() bool {
	now, last := time.Now().UnixNano(), g.last.Load()
	return now-last >= int64(glances) && g.last.CompareAndSwap(last, now)
}

// identical returns an error when one of the files is no longer at its path.
func (g *guard) identical() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, err := g.look(g.paths[:])
	return err
}

// look returns the state of the files at these paths, which are those that were opened. The mutex is held.
func (g *guard) look(paths []string) (now [3]fileStat, err error) {
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
			return now, storage.As(storage.ErrUnavailable, err, "it is unknown whether ", path, " is still there")
		case now[i].identity != g.known[i].identity:
			return now, g.fail(nil, path+" was replaced")
		}
	}
	return now, nil
}

// fail notes for good what is wrong, and returns it.
func (g *guard) fail(cause error, what string) error {
	g.found.CompareAndSwap(nil, &storage.Error{Kind: storage.ErrDamaged, Err: cause, Detail: what + ": put the files back or restore a backup, " +
		"or move " + g.paths[mainFile] + " and the files that belong to it away to start afresh, and restart; until then nothing is stored"})
	return g.found.Load()
}

// touched reports whether a file was changed since a look after which nobody in this process has written.
func (g *guard) touched() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, err := g.look(g.paths[:])
	return err != nil || !now[mainFile].same(g.known[mainFile].content) || !now[writeLog].same(g.known[writeLog].content)
}

// begun checks that nothing else than SQLite has changed the log since the last look. Whoever holds the write lock calls it.
func (g *guard) begun() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if found := g.found.Load(); found != nil {
		return found
	}
	if g.conn == nil {
		return nil
	}
	now, err := statOpen(g.log)
	if err != nil || now.same(g.known[writeLog].content) {
		return err
	}
	all, err := g.look(g.paths[:]) // another process has committed, or something else has written
	if err != nil {
		return err
	}
	if err := g.readLog(); err != nil {
		return err
	}
	all[writeLog] = now
	return g.adopt(all)
}

// committed checks that the files are those at the path, and that what was there before the commit still is. What the
// commit has written is not read again. A log that became smaller, or has another beginning without having been begun
// anew by SQLite, was changed by something else; so was one with a hole, which is what SQLite leaves when it goes on where
// it was after the file was cut off.
//
// The index of the log is looked at as seldom as reads do: to look at a path is most of what this costs, and recovery
// makes the index anew, so that nothing is lost with it.
func (g *guard) committed() error {
	paths := g.paths[:logIndex]
	if g.due() {
		paths = g.paths[:]
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now, err := g.look(paths)
	if err != nil || g.conn == nil {
		return err
	}
	header, err := readLogHeader(g.log)
	if err != nil {
		return g.fail(err, g.paths[writeLog]+" is damaged")
	}
	log := now[writeLog]
	before, hole := g.known[writeLog], log.hole() > 0 && !g.sparse
	if header != g.header || hole || log.size < before.size || log.blocks < before.blocks {
		if err := g.readLog(); err != nil {
			return err
		}
		g.sparse = g.sparse || hole
	}
	return g.adopt(now)
}

// settled is begun for all files. Nobody in this process writes meanwhile.
func (g *guard) settled() error {
	if err := g.begun(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn == nil {
		return nil
	}
	now, err := g.look(g.paths[:])
	if err != nil {
		return err
	}
	now[writeLog] = g.known[writeLog] // begun has looked at it
	return g.adopt(now)
}

// adopt notes the state of the files. The database itself changes when SQLite copies the log into it, and only then. The
// mutex is held.
func (g *guard) adopt(now [3]fileStat) (err error) {
	switch {
	case !now[mainFile].same(g.known[mainFile].content):
		if err := g.copiedSince(); err != nil {
			return err
		}
		if now, err = g.look(g.paths[:]); err != nil { // what is copied in between is seen the next time
			return err
		}
	case g.header != g.copied.log: // the log was begun anew after all of it was copied
		copied, _, err := g.progress(g.conn)
		if err != nil {
			return err
		}
		g.copied = copied
	}
	g.known = now
	return nil
}

// copiedSince returns nil when SQLite has copied from the log into the database since it was asked last, or has begun to:
// then it is under way, or was given up because the disk is full or the process ended. The mutex is held.
func (g *guard) copiedSince() error {
	for end := time.Now().Add(settling); ; time.Sleep(10 * time.Millisecond) {
		now, begun, err := g.progress(g.conn)
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

// progress returns how much was copied, and whether SQLite has begun to copy more. The mutex is held.
func (g *guard) progress(conn driver.Conn) (now copied, begun bool, err error) {
	salt, attempted, err := g.index.read()
	if err != nil {
		return now, false, err
	}
	now.salt = salt
	if _, now.frames, err = frames(conn); err != nil {
		return now, false, err
	}
	now.log, _ = readLogHeader(g.log) // none, as long as nothing is in the log
	return now, attempted > now.frames, nil
}

// readLog checks every checksum of the log. The mutex is held.
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
		// Another process may have begun the log anew meanwhile, also before its header was read.
		if now, _ := readLogHeader(g.log); now == first || attempt == 5 {
			return g.fail(err, g.paths[writeLog]+" is damaged")
		}
	}
}

// frames returns how many frames are in the log, and how many of them in the database, too.
func frames(conn driver.Conn) (log, copied int64, err error) {
	row, err := query(conn, "PRAGMA wal_checkpoint(NOOP)")
	if err != nil || len(row) < 3 {
		return 0, 0, fmt.Errorf("asking for the state of the log: %w", err)
	}
	log, _ = row[1].(int64)
	copied, _ = row[2].(int64)
	return log, copied, nil
}

// query returns the first row of an answer.
func query(conn driver.Conn, text string) (row []driver.Value, err error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(context.Background(), text, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row = make([]driver.Value, len(rows.Columns()))
	return row, rows.Next(row)
}
