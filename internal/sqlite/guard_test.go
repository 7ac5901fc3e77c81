package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"superheroes/internal/storage"
)

// filled returns a database with some rows, partly in the file itself and partly in the log, and its path.
func filled(t *testing.T) (db *DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data", "test.db")
	if err := os.Mkdir(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	db = opened(t, path)
	run(t, db.Writes, "CREATE TABLE t (text TEXT)")
	put(t, db)
	run(t, db.Writes, "PRAGMA wal_checkpoint")
	put(t, db)
	put(t, db)
	return db, path
}

// put commits a row of several pages, like a store.
func put(t *testing.T, db *DB) {
	t.Helper()
	if err := tryPut(t, db, func() {}); err != nil {
		t.Fatal(err)
	}
}

// tryPut is like put, but calls meanwhile between the beginning of the transaction and its commit.
func tryPut(t *testing.T, db *DB, meanwhile func()) error {
	t.Helper()
	tx, err := db.Writes.BeginTx(t.Context(), nil)
	if err != nil {
		return db.Trouble(err)
	}
	defer func() { _ = tx.Rollback() }() // no effect after the commit
	if err := db.Begun(); err != nil {
		return err
	}
	meanwhile()
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (hex(randomblob(20000)))"); err != nil {
		return db.Trouble(err)
	}
	if err := tx.Commit(); err != nil {
		return db.Trouble(err)
	}
	return db.Committed()
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// overwrite overwrites a part of a file.
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

// copyOver overwrites a file with the contents of another, without replacing it.
func copyOver(t *testing.T, from, to string) {
	t.Helper()
	contents, err := os.ReadFile(from)
	must(t, err, os.WriteFile(to, contents, 0o600))
}

// harm returns what may happen to the files of a running program.
func harm() map[string]func(t *testing.T, path string) {
	each := map[string]func(t *testing.T, path string){
		"the folder renamed": func(t *testing.T, path string) {
			must(t, os.Rename(filepath.Dir(path), filepath.Dir(path)+" away"))
		},
		"all removed": func(t *testing.T, path string) {
			must(t, os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"))
		},
		"database overwritten by an older copy": func(t *testing.T, path string) { copyOver(t, path+" before", path) },
		"database overwritten in the middle":    func(t *testing.T, path string) { overwrite(t, path, size(t, path)/2, "XXXX") },
		"database truncated":                    func(t *testing.T, path string) { must(t, os.Truncate(path, size(t, path)/2)) },
		"database emptied":                      func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
		"log emptied":                           func(t *testing.T, path string) { must(t, os.Truncate(path+"-wal", 0)) },
		"log truncated":                         func(t *testing.T, path string) { must(t, os.Truncate(path+"-wal", size(t, path+"-wal")/2)) },
		"log overwritten at its beginning":      func(t *testing.T, path string) { overwrite(t, path+"-wal", 0, strings.Repeat("X", 4096)) },
		"log overwritten in the middle":         func(t *testing.T, path string) { overwrite(t, path+"-wal", size(t, path+"-wal")/2, "XXXX") },
		"log overwritten by an older copy":      func(t *testing.T, path string) { copyOver(t, path+" before-wal", path+"-wal") },
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

// Harm to the files is noticed by the next write or readiness check, whichever comes first, and reported from then on.
func TestHarm(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("open files can't be removed")
	}
	for name, do := range harm() {
		t.Run(name, func(t *testing.T) {
			for first, look := range map[string]func(t *testing.T, db *DB) error{
				"a write":   func(t *testing.T, db *DB) error { return tryPut(t, db, func() {}) },
				"readiness": func(t *testing.T, db *DB) error { return db.Ping(t.Context()) },
			} {
				t.Run(first, func(t *testing.T) {
					t.Parallel()
					db, path := filled(t)
					copyOver(t, path, path+" before")
					copyOver(t, path+"-wal", path+" before-wal")
					put(t, db)
					db.guard.last.Store(0) // as if the last check was a while ago
					do(t, path)
					for what, err := range map[string]error{first: look(t, db), "a write after it": tryPut(t, db, func() {}), "readiness after it": db.Ping(t.Context()), "a read after it": db.Check()} {
						if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore a backup") {
							t.Errorf("%s: %v; want an error that names the file and a remedy", what, err)
						}
					}
				})
			}
		})
	}
}

// A damaged log is not checkpointed when the program stops, even if nobody used the database in between.
func TestCloseLeavesDamageAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := Open(t.Context(), path)
	must(t, err)
	run(t, db.Writes, "CREATE TABLE t (text TEXT)")
	put(t, db)
	before, err := os.ReadFile(path)
	must(t, err)
	overwrite(t, path+"-wal", size(t, path+"-wal")/2, strings.Repeat("X", 10000))
	if err := db.Close(); !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if string(before) != string(after) {
		t.Error("the database was changed")
	}
}

// Harm during a transaction is noticed before its commit is acknowledged.
func TestHarmWithinATransaction(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("open files can't be removed")
	}
	for name, do := range harm() {
		if name == "log overwritten in the middle" { // the commit writes the log without reading it
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, path := filled(t)
			copyOver(t, path, path+" before")
			copyOver(t, path+"-wal", path+" before-wal")
			put(t, db)
			err := tryPut(t, db, func() {
				do(t, path)
				db.guard.last.Store(0)
			})
			if !errors.Is(err, storage.ErrDamaged) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Removed files are noticed even if there are only reads.
func TestReadsNotice(t *testing.T) {
	db, path := filled(t)
	must(t, db.Check(), os.Remove(path))
	for end := time.Now().Add(30 * time.Second); db.Check() == nil; time.Sleep(checkInterval / 10) { // reads check once in a while
		if time.Now().After(end) {
			t.Fatal("the removal was not noticed")
		}
	}
	if err := db.Check(); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// Anything that other programs do through SQLite is harmless.
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
		"a vacuum": func() {
			run(t, other, "DELETE FROM t")
			run(t, other, "VACUUM")
			run(t, other, "PRAGMA wal_checkpoint(RESTART)")
		},
		"a large transaction that is rolled back": func() {
			run(t, other, "PRAGMA cache_size = 2")
			run(t, other, "BEGIN")
			for range 50 {
				run(t, other, "INSERT INTO t VALUES (hex(randomblob(20000)))")
			}
			run(t, other, "ROLLBACK")
		},
		"a touched log": func() { now := time.Now(); must(t, os.Chtimes(path+"-wal", now, now)) },
		"many commits of ours": func() {
			for range 200 { // SQLite checkpoints the log and restarts it
				put(t, db)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			do()
			must(t, db.Ping(t.Context()))
			put(t, db)
			do()
			put(t, db)
			must(t, db.Ping(t.Context()), db.Check())
		})
	}
}

// A log without its database is not deleted, as SQLite would do.
func TestOrphanedLog(t *testing.T) {
	for name, do := range map[string]func(path string) error{
		"removed": os.Remove,
		"emptied": func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			_, path := filled(t)
			orphan := filepath.Join(t.TempDir(), "test.db")
			copyOver(t, path, orphan)
			copyOver(t, path+"-wal", orphan+"-wal")
			must(t, do(orphan))
			before := size(t, orphan+"-wal")
			db, err := Open(t.Context(), orphan)
			if err == nil {
				_ = db.Close()
			}
			if !errors.Is(err, storage.ErrDamaged) || !strings.Contains(err.Error(), orphan) {
				t.Errorf("got %v", err)
			}
			if size(t, orphan+"-wal") != before {
				t.Error("the log was changed")
			}
		})
	}
}

// A log whose header was overwritten isn't treated as empty, which would lose its content.
func TestHeadlessLog(t *testing.T) {
	_, path := filled(t)
	for name, c := range map[string]struct {
		header []byte
		fails  bool
	}{
		"overwritten": {bytes.Repeat([]byte("x"), logHeaderSize), true},
		"zeros":       {make([]byte, logHeaderSize), false},
	} {
		t.Run(name, func(t *testing.T) {
			headless := filepath.Join(t.TempDir(), "test.db")
			copyOver(t, path, headless)
			copyOver(t, path+"-wal", headless+"-wal")
			log, err := os.OpenFile(headless+"-wal", os.O_WRONLY, 0)
			must(t, err)
			_, err = log.WriteAt(c.header, 0)
			must(t, errors.Join(err, log.Close()))
			before := size(t, headless+"-wal")
			db, err := Open(t.Context(), headless)
			if err == nil {
				_ = db.Close()
			}
			if c.fails != errors.Is(err, storage.ErrDamaged) || c.fails && (!strings.Contains(err.Error(), headless+"-wal") || size(t, headless+"-wal") != before) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// checkLog agrees with SQLite on the number of frames, and detects a change of any byte.
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
		wrong := append([]byte(nil), whole...)
		wrong[at] ^= 1
		if check(wrong) == nil {
			t.Errorf("a change of byte %d was not detected", at)
		}
	}
	if err := check(whole[:len(whole)/2]); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		t.Errorf("half a log: %v", err)
	}
}
