// Package proctest makes up what /proc says, for tests.
package proctest

import (
	"os"
	"path/filepath"
	"testing"
)

// Folder stands for /proc. It ends with the test.
type Folder struct {
	tb   testing.TB
	Path string
}

// New returns an empty one.
func New(tb testing.TB) Folder {
	tb.Helper()
	return Folder{tb, tb.TempDir()}
}

// Write has a file say that, in the place of what it said before.
func (f Folder) Write(path, text string) {
	f.tb.Helper()
	path = filepath.Join(f.Path, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.tb.Fatal(err)
	}
}
