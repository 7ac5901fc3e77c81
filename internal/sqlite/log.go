package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"superheroes/internal/storage"
)

// The format of a write-ahead log: https://sqlite.org/fileformat2.html#the_write_ahead_log.
const (
	logHeaderSize   = 32
	frameHeaderSize = 24
	logMagic        = 0x377f0682 // the last bit indicates the byte order of the checksums
)

// logHeader is the header of a write-ahead log. The header changes each time SQLite restarts the log.
type logHeader [logHeaderSize]byte

// readLogHeader returns the header of a log, or the zero header if the log is empty.
func readLogHeader(log *os.File) (h logHeader, err error) {
	if n, err := log.ReadAt(h[:], 0); n == 0 && errors.Is(err, io.EOF) {
		return h, nil
	} else if err != nil {
		return logHeader{}, err
	}
	return h, nil
}

// checksum computes SQLite's checksum, which is cumulative over the log.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (c *checksum) add(data []byte) {
	s0, s1 := c.s0, c.s1
	if c.order == binary.LittleEndian {
		for ; len(data) >= 8; data = data[8:] {
			s0 += binary.LittleEndian.Uint32(data) + s1
			s1 += binary.LittleEndian.Uint32(data[4:]) + s0
		}
	} else {
		for ; len(data) >= 8; data = data[8:] {
			s0 += binary.BigEndian.Uint32(data) + s1
			s1 += binary.BigEndian.Uint32(data[4:]) + s0
		}
	}
	c.s0, c.s1 = s0, s1
}

// This method reports whether the computed checksum equals the stored one.
func (c *checksum) is(stored []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(stored) && c.s1 == binary.BigEndian.Uint32(stored[4:])
}

// check verifies the header and returns the page size and the header's checksum, which is the initial value for the
// frames.
func (h logHeader) check() (sum checksum, pageSize int, err error) {
	magic, pageSize := binary.BigEndian.Uint32(h[:]), int(binary.BigEndian.Uint32(h[8:]))
	sum = checksum{order: binary.LittleEndian}
	if magic&1 == 1 {
		sum.order = binary.BigEndian
	}
	sum.add(h[:24])
	if magic&^1 != logMagic || pageSize < 512 || pageSize > 65536 || !sum.is(h[24:]) {
		return sum, pageSize, errors.New("its header is damaged")
	}
	return sum, pageSize, nil
}

// checkLog reads the log up to the given frame as SQLite's recovery would, and returns an error if recovery would stop
// earlier. It returns the log's header.
func checkLog(log *os.File, frames int64) (h logHeader, err error) {
	if h, err = readLogHeader(log); err != nil || frames == 0 {
		return h, err
	}
	sum, size, err := h.check()
	if err != nil {
		return h, err
	}
	in := io.NewSectionReader(log, logHeaderSize, frames*int64(frameHeaderSize+size))
	frame := make([]byte, frameHeaderSize+size)
	for n := range frames {
		if _, err := io.ReadFull(in, frame); err != nil {
			return h, fmt.Errorf("frame %d of %d is missing: %w", n+1, frames, err)
		}
		sum.add(frame[:8])
		sum.add(frame[frameHeaderSize:])
		if string(frame[8:16]) != string(h[16:24]) || !sum.is(frame[16:]) {
			return h, fmt.Errorf("frame %d of %d is damaged", n+1, frames)
		}
	}
	return h, nil
}

// checkLeftLog returns an error if SQLite would discard the latest commits in a leftover log because its database is
// missing or empty, or because the log's header is damaged. A header of zeros is not an error: a power failure can
// leave such a header in a new log that has no commits yet.
func checkLeftLog(path, logPath string) error {
	if info, err := os.Stat(logPath); err != nil || info.Size() == 0 {
		return nil // without a log there is nothing to discard
	}
	if file, err := os.Stat(path); err != nil || file.Size() == 0 {
		return storage.Errorf(storage.ErrDamaged, "%s is missing or empty, while its log %s holds the latest writes: "+
			"put the file back or restore a backup, or move the log away to start afresh, and restart", path, logPath)
	}
	log, err := os.Open(logPath)
	if err != nil {
		return nil // SQLite will report the error when it opens the file
	}
	defer func() { _ = log.Close() }() // can't lose data: the file was opened only for reading
	header, err := readLogHeader(log)
	if err != nil || header == (logHeader{}) { // the log is shorter than a header
		return nil
	}
	_, _, err = header.check()
	return storage.As(storage.ErrDamaged, err, logPath, " is damaged, and holds the latest writes: put it back or "+
		"restore a backup, or move it away to continue without them, and restart")
}

// indexFile is the open index of a log, which SQLite's connections share. On Unix, closing a file releases all locks
// that the process holds on it, including the locks that SQLite holds through another descriptor. So the index is
// closed only when no database in this process uses it any more.
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

// close must be called after all connections to the database are closed.
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

// Offsets in the log's index: https://sqlite.org/walformat.html#the_wal_index_file_format.
const (
	saltAt      = 32
	attemptedAt = 128
)

// read returns two fields of the index: the log's salt, which changes each time the log is restarted, and the last
// frame that SQLite has attempted to checkpoint.
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
