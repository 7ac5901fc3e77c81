package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"superheroes/internal/fight/fighttest"
	"superheroes/internal/storage"
)

// filled returns a database and its path. Some rows are in the database file itself, others still in the write-ahead
// log.
func filled(t *testing.T) (db *DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data", "test.db")
	must(t, os.Mkdir(filepath.Dir(path), 0o750))
	db = opened(t, path)
	run(t, db.Writes, "CREATE TABLE t (text TEXT)")
	must(t, put(t, db))
	run(t, db.Writes, "PRAGMA wal_checkpoint")
	must(t, put(t, db), put(t, db))
	return db, path
}

// put inserts a row that fills several pages. It calls the meanwhile functions within the transaction, before the
// insert.
func put(t *testing.T, db *DB, meanwhile ...func()) error {
	t.Helper()
	_, err := db.inTx(t.Context(), func(tx *sql.Conn) error {
		for _, do := range meanwhile {
			do()
		}
		_, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (hex(randomblob(20000)))")
		return err
	})
	return err
}

// well fails the test if a readiness check or a write reports damage.
func well(t *testing.T, db *DB) {
	t.Helper()
	must(t, db.ping(t.Context()), put(t, db), db.ping(t.Context()), db.guard.check())
}

// overwrite overwrites a file with text, beginning at an offset.
func overwrite(t *testing.T, path string, at int64, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = file.WriteAt([]byte(text), at)
	must(t, err, file.Close())
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}

// copyOver overwrites a file in place with the contents of another.
func copyOver(t *testing.T, from, to string) {
	t.Helper()
	contents, err := os.ReadFile(from)
	must(t, err, os.WriteFile(to, contents, 0o600))
}

// harm returns functions that damage the files of a database in use, each in a different way.
func harm() map[string]func(t *testing.T, path string) {
	truncate := func(suffix string, part int64) func(*testing.T, string) {
		return func(t *testing.T, path string) { must(t, os.Truncate(path+suffix, size(t, path+suffix)*part/2)) }
	}
	each := map[string]func(t *testing.T, path string){
		"the folder renamed": func(t *testing.T, path string) {
			must(t, os.Rename(filepath.Dir(path), filepath.Dir(path)+" away"))
		},
		"all removed": func(t *testing.T, path string) {
			must(t, os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
		},
		"database truncated": truncate("", 1), "database emptied": truncate("", 0),
		"log truncated": truncate("-wal", 1), "log emptied": truncate("-wal", 0),
		"log overwritten at its beginning": func(t *testing.T, path string) {
			overwrite(t, path+"-wal", 0, strings.Repeat("X", 4096))
		},
	}
	for name, suffix := range map[string]string{"database": "", "log": "-wal"} {
		each[name+" overwritten in the middle"] = func(t *testing.T, path string) {
			overwrite(t, path+suffix, size(t, path+suffix)/2, "XXXX")
		}
		each[name+" overwritten by an older copy"] = func(t *testing.T, path string) {
			copyOver(t, path+" before"+suffix, path+suffix)
		}
	}
	for name, suffix := range map[string]string{"database": "", "log": "-wal", "index of the log": "-shm"} {
		each[name+" removed"] = func(t *testing.T, path string) { must(t, os.Remove(path+suffix)) }
		each[name+" moved away"] = func(t *testing.T, path string) { must(t, os.Rename(path+suffix, path+suffix+" away")) }
		each[name+" replaced by a copy"] = func(t *testing.T, path string) {
			copyOver(t, path+suffix, path+" copy")
			must(t, os.Rename(path+" copy", path+suffix))
		}
	}
	return each
}

// Damage to the files is detected by the commit in progress, the next write or the next readiness check, whichever
// comes first, and reported from then on.
func TestHarm(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("open files can't be removed on this system")
	}
	for name, do := range harm() {
		for first, look := range map[string]func(t *testing.T, db *DB, do func()) error{
			"a write":    func(t *testing.T, db *DB, do func()) error { do(); return put(t, db) },
			"readiness":  func(t *testing.T, db *DB, do func()) error { do(); return db.ping(t.Context()) },
			"the commit": func(t *testing.T, db *DB, do func()) error { return put(t, db, do) },
		} {
			if name == "log overwritten in the middle" && first == "the commit" { // a commit doesn't read the log
				continue
			}
			t.Run(name+", then "+first, func(t *testing.T) {
				db, path := filled(t)
				db.guard.settling = 20 * time.Millisecond
				copyOver(t, path, path+" before")
				copyOver(t, path+"-wal", path+" before-wal")
				must(t, put(t, db))
				for what, err := range map[string]error{
					first: look(t, db, func() {
						do(t, path)
						db.guard.last.Store(0) // pretends that the last check was long ago
					}),
					"a write after it":   put(t, db),
					"readiness after it": db.ping(t.Context()),
					"a read after it":    db.guard.check(),
				} {
					if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), path) ||
						!strings.Contains(err.Error(), "restore a backup") {
						t.Errorf("%s: %v; want an error that names the file and a remedy", what, err)
					}
				}
			})
		}
	}
}

// A damaged log is not checkpointed on shutdown, even if the database has not been used since it was damaged.
func TestCloseLeavesDamageAlone(t *testing.T) {
	db, path := filled(t)
	db.guard.settling = 20 * time.Millisecond
	before, err := os.ReadFile(path)
	must(t, err)
	overwrite(t, path+"-wal", size(t, path+"-wal")/2, strings.Repeat("X", 10000))
	if err := db.Close(); !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the database was changed")
	}
}

// The removal of the files is detected even if the database is only read.
func TestReadsNotice(t *testing.T) {
	db, path := filled(t)
	must(t, db.guard.check(), os.Remove(path))
	for end := time.Now().Add(30 * time.Second); db.guard.check() == nil; time.Sleep(checkInterval / 10) {
		if time.Now().After(end) {
			t.Fatal("no read detected that the files were removed")
		}
	}
	if err := db.guard.check(); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// Changes that other programs make to the database through SQLite are not reported as damage, whether or not the log is
// empty.
func TestOthersMayWrite(t *testing.T) {
	db, path := filled(t)
	other, err := sql.Open("sqlite", path)
	must(t, err)
	defer func() { _ = other.Close() }()
	other.SetMaxOpenConns(1)
	for name, do := range map[string]func(){
		"a commit":                    func() { run(t, other, "INSERT INTO t VALUES ('other')") },
		"a checkpoint":                func() { run(t, other, "PRAGMA wal_checkpoint") },
		"a checkpoint that truncates": func() { run(t, other, "PRAGMA wal_checkpoint(TRUNCATE)") },
		"commits and truncations": func() {
			for range 3 {
				run(t, other, "INSERT INTO t VALUES ('other')")
				run(t, other, "PRAGMA wal_checkpoint(TRUNCATE)")
				must(t, db.ping(t.Context()))
			}
		},
		"a vacuum": func() {
			run(t, other, "DELETE FROM t")
			run(t, other, "VACUUM")
			run(t, other, "PRAGMA wal_checkpoint(RESTART)")
		},
		"a large transaction that is rolled back": func() {
			run(t, other, "PRAGMA cache_size = 2")
			run(t, other, "BEGIN")
			for range 10 {
				run(t, other, "INSERT INTO t VALUES (hex(randomblob(20000)))")
			}
			run(t, other, "ROLLBACK")
		},
		"a touched log": func() { now := time.Now(); must(t, os.Chtimes(path+"-wal", now, now)) },
		"many commits of ours": func() {
			run(t, db.Writes, "PRAGMA wal_autocheckpoint = 50")
			for range 20 { // enough to make SQLite checkpoint the log and restart it
				must(t, put(t, db))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			do()
			well(t, db)
			do()
			must(t, put(t, db))
			well(t, db)
		})
	}
}

// A checkpoint that was interrupted, because the disk was full or the process was killed, is not reported as damage.
func TestUnfinishedCheckpoint(t *testing.T) {
	db, path := filled(t)
	must(t, db.ping(t.Context()))
	log, _, err := frames(db.guard.conn)
	must(t, err)
	index, err := os.OpenFile(path+"-shm", os.O_RDWR, 0) // not closed, since closing it would release SQLite's locks
	must(t, err)
	t.Cleanup(func() { _ = index.Close() })
	_, err = index.WriteAt(binary.NativeEndian.AppendUint32(nil, uint32(log)), attemptedAt)
	must(t, err)
	pages, err := os.ReadFile(path)
	must(t, err)
	overwrite(t, path, 0, string(pages[:8192]))
	well(t, db)
	run(t, db.Writes, "PRAGMA wal_checkpoint")
	well(t, db)
}

// If SQLite would discard the commits in a log, because the database is missing or the log's header is damaged, opening
// fails and the log stays unchanged.
func TestLeftLog(t *testing.T) {
	_, from := filled(t)
	header := func(text string) func(path string) error {
		return func(path string) error { overwrite(t, path+"-wal", 0, text); return nil }
	}
	for name, c := range map[string]struct {
		do    func(path string) error
		fails bool
	}{
		"database removed":   {os.Remove, true},
		"database emptied":   {func(path string) error { return os.Truncate(path, 0) }, true},
		"header overwritten": {header(strings.Repeat("x", logHeaderSize)), true},
		"header of zeros":    {header(string(make([]byte, logHeaderSize))), false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			copyOver(t, from, path)
			copyOver(t, from+"-wal", path+"-wal")
			must(t, c.do(path))
			before := size(t, path+"-wal")
			db, err := Open(t.Context(), path)
			if err == nil {
				_ = db.Close()
			}
			if c.fails != errors.Is(err, storage.ErrDamaged) {
				t.Errorf("got %v", err)
			}
			if c.fails && (!strings.Contains(err.Error(), path+"-wal") || size(t, path+"-wal") != before) {
				t.Errorf("the log was changed, or the error doesn't name it: %v", err)
			}
		})
	}
}

// checkLog finds the same number of frames as SQLite, and detects a change to any byte.
func TestCheckLog(t *testing.T) {
	db, path := filled(t)
	frames, _, err := frames(db.guard.conn)
	must(t, err)
	whole, err := os.ReadFile(path + "-wal")
	must(t, err)
	check := func(contents []byte) error {
		file, err := os.CreateTemp(t.TempDir(), "log")
		must(t, err)
		defer func() { _ = file.Close() }()
		_, err = file.Write(contents)
		must(t, err)
		_, err = checkLog(file, frames)
		return err
	}
	if frames == 0 || check(whole) != nil {
		t.Fatalf("%d frames: %v", frames, check(whole))
	}
	for at := 0; at < len(whole); at += len(whole)/50 + 1 {
		wrong := bytes.Clone(whole)
		wrong[at] ^= 1
		if check(wrong) == nil {
			t.Errorf("checkLog did not detect a change to byte %d of the log", at)
		}
	}
	if err := check(whole[:len(whole)/2]); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		t.Errorf("half a log: %v", err)
	}
}

// The path of a database may be a symbolic link, even to a file that doesn't exist yet. Pointing the link to another
// file is reported as damage.
func TestLink(t *testing.T) {
	folder := t.TempDir()
	path, file := filepath.Join(folder, "link.db"), filepath.Join(folder, "disk", "file.db")
	must(t, os.Mkdir(filepath.Dir(file), 0o750))
	if err := os.Symlink(file, path); err != nil {
		t.Skip(err)
	}
	db := opened(t, path)
	run(t, db.Writes, "CREATE TABLE t (text TEXT)")
	well(t, db)
	must(t, db.Close())
	db = opened(t, path)
	well(t, db)
	copyOver(t, file, filepath.Join(folder, "other.db"))
	must(t, os.Remove(path), os.Symlink("other.db", path))
	if err := put(t, db); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("a write after the link was pointed to another file: %v", err)
	}
}

// BenchmarkGuard measures the guard's overhead per commit (begun and committed) and per read (check).
func BenchmarkGuard(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "test.db"))
	must(b, err)
	defer func() { _ = db.Close() }()
	_, err = db.Writes.Exec("CREATE TABLE t (id INTEGER)")
	must(b, err)
	for name, look := range map[string]func() error{
		"begun": db.guard.begun, "committed": db.guard.committed, "check": db.guard.check,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := fighttest.CPUTime()
			for b.Loop() {
				must(b, look())
			}
			after := fighttest.CPUTime()
			b.ReportMetric(float64((after-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}
