package sqlite

import (
	"context"
	"encoding/binary"
	"os"
	osexec "os/exec"
	"testing"
)

// shell runs statements in another process.
func shell(t *testing.T, path, text string) {
	t.Helper()
	program, err := osexec.LookPath("sqlite3")
	if err != nil {
		t.Skip("sqlite3 is not installed")
	}
	if out, err := osexec.CommandContext(t.Context(), program, path, text).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", text, err, out)
	}
}

// well checks that neither readiness nor a write reports damage.
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

// Commits, checkpoints and truncation by another process are no damage, even if the log was empty before.
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

// A checkpoint that was abandoned, because the disk was full or its process was killed, is no damage.
func TestUnfinishedCheckpoint(t *testing.T) {
	db, path := filled(t)
	must(t, db.Ping(t.Context()))
	log, _, err := frames(db.guard.conn)
	must(t, err)
	index, err := os.OpenFile(path+"-shm", os.O_RDWR, 0) // stays open, since closing it would release SQLite's locks
	must(t, err)
	t.Cleanup(func() { _ = index.Close() })
	_, err = index.WriteAt(binary.NativeEndian.AppendUint32(nil, uint32(log)), 128) // the frame up to which it has begun to copy
	must(t, err)
	pages, err := os.ReadFile(path)
	must(t, err)
	overwrite(t, path, 0, string(pages[:8192]))
	well(t, db)
	run(t, db.Writes, "PRAGMA wal_checkpoint")
	well(t, db)
}
