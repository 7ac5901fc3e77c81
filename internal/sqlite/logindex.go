package sqlite

import (
	"encoding/binary"
	"os"
	"sync"
)

// indexFile is the open index of a log, which SQLite's connections share. On Unix, closing a file releases all locks
// that the process holds on it, including SQLite's through another descriptor. So the file is only closed when no
// database of this process uses it any more.
type indexFile struct {
	identity identity
	file     *os.File
	users    int
}

var indexes = struct { //nolint:gochecknoglobals // like the locks, there is one for each file and process
	mu   sync.Mutex
	open map[identity]*indexFile
}{open: map[identity]*indexFile{}}

// openIndex returns the index of a log, or nil if the system has no file identities.
func openIndex(path string) (*indexFile, error) {
	indexes.mu.Lock()
	defer indexes.mu.Unlock()
	s, err := stat(path)
	if err != nil || s.identity == (identity{}) {
		return nil, err
	}
	index := indexes.open[s.identity]
	if index == nil {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if s, err = statOpen(file); err != nil {
			return nil, err
		}
		index = &indexFile{identity: s.identity, file: file}
		indexes.open[s.identity] = index
	}
	index.users++
	return index, nil
}

// close must be called after the connections are closed.
func (f *indexFile) close() error {
	if f == nil {
		return nil
	}
	indexes.mu.Lock()
	defer indexes.mu.Unlock()
	if f.users--; f.users > 0 {
		return nil
	}
	delete(indexes.open, f.identity)
	return f.file.Close()
}

// Offsets in the index: https://sqlite.org/walformat.html#the_wal_index_file_format.
const (
	saltAt      = 32
	attemptedAt = 128
)

// read returns the log's salt, which changes each time the log is restarted, and the last frame that SQLite has
// attempted to checkpoint.
func (f *indexFile) read() (salt uint64, attempted int64, err error) {
	if f == nil {
		return 0, 0, nil
	}
	var header [attemptedAt + 4]byte
	if _, err := f.file.ReadAt(header[:], 0); err != nil {
		return 0, 0, err
	}
	return binary.NativeEndian.Uint64(header[saltAt:]), int64(binary.NativeEndian.Uint32(header[attemptedAt:])), nil
}
