package sqlite

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"superheroes/internal/storage"
)

// A backup that runs out of disk space fails and leaves no file behind.
func TestBackupWithoutRoom(t *testing.T) {
	db, path := filled(t)
	run(t, db.Writes, "INSERT INTO t VALUES (hex(randomblob(200000)))")
	signal.Ignore(unix.SIGXFSZ)
	defer signal.Reset(unix.SIGXFSZ)
	var before unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &before))
	must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 100 << 10, Max: before.Max}))
	to := filepath.Join(t.TempDir(), "copy.db")
	err := Backup(t.Context(), path, to)
	must(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &before))
	if !errors.Is(err, storage.ErrFull) {
		t.Errorf("got %v, want storage.ErrFull", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the copy: %v, want no file", err)
	}
	must(t, Backup(t.Context(), path, to))
}
