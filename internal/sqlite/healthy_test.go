package sqlite

import (
	"context"
	"encoding/binary"
	"os"
	osexec "os/exec"
	"testing"
)

// shell runs statements as another process would, in a process of its own.
func shell(t *testing.T, path, text string) {
	t.Helper()
	program, err := osexec.LookPath("sqlite3")
	if err != nil {
		t.Skip("there is no sqlite3")
	}
	if out, err := osexec.CommandContext(t.Context(), program, path, text).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", text, err, out)
	}
}

// well fails the test when the database is called damaged, by readiness or by a write.
func well(t *testing.T, db *DB) {
	t.Helper()
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	put(t, db)
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// What another process commits, copies and cuts off is no damage, also when the log was empty before, too.
func TestEmptiedByAnother(t *testing.T) {
	db, path := filled(t)
	must(t, db.Close())
	db = opened(t, path) // the log is empty
	for range 3 {
		shell(t, path, "PRAGMA busy_timeout=5000; INSERT INTO t VALUES ('x'); PRAGMA wal_checkpoint(TRUNCATE)")
		must(t, db.Ping(context.Background()))
	}
	well(t, db)
}

// A checkpoint that did not come to its end, because the disk was full or its process was killed, is no damage.
func TestUnfinishedCheckpoint(t *testing.T) {
	db, path := filled(t)
	must(t, db.Ping(t.Context()))
	log, _, err := frames(db.guard.conn)
	must(t, err)
	index, err := os.OpenFile(path+"-shm", os.O_RDWR, 0) // stays open: to close it would give up SQLite's locks
	must(t, err)
	t.Cleanup(func() { _ = index.Close() })
	_, err = index.WriteAt(binary.NativeEndian.AppendUint32(nil, uint32(log)), 128) // what it has begun to copy
	must(t, err)
	pages, err := os.ReadFile(path)
	must(t, err)
	overwrite(t, path, 0, string(pages[:8192]))
	well(t, db)
	run(t, db.Writes, "PRAGMA wal_checkpoint")
	well(t, db)
}
