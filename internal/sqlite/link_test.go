package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"superheroes/internal/storage"
)

// A path may be a symbolic link to the file, even if that doesn't exist yet. If the link changes to another file, that
// is damage.
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
	if err := tryPut(t, db, func() {}); !errors.Is(err, storage.ErrDamaged) {
		t.Errorf("written through a link to another file: %v", err)
	}
}
