package sqlite

import (
	"encoding/binary"
	"os"
	"sync"
)

// indexFile is the open index of a log, which SQLite's connections share. On Unix a process that closes a file gives up all its
// locks on it, also those that SQLite holds through a descriptor of its own. So the file is closed when no database of this process
// uses it any more.
type indexFile struct {
	identity identity
	file     *os.File
	users    int
}

var indexes = struct { //nolint:gochecknoglobals // so are the locks: one for each file of the process
	mu   sync.Mutex
	open map[identity]*indexFile
}{open: map[identity]*indexFile{}}

// openIndex returns the index of a log, nil where the system doesn't tell one file from another.
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

// close must be called when the connections are closed.
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

// Where in the index: https://sqlite.org/walformat.html#the_wal_index_file_format.
const (
	saltAt      = 32
	attemptedAt = 128
)

// read returns the log's salt, which is another one each time the log is begun anew, and up to which frame SQLite has begun
// to copy the log into the database.
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
