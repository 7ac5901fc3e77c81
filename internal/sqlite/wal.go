package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The format of a write-ahead log: https://sqlite.org/fileformat2.html#the_write_ahead_log.
const (
	logHeaderSize   = 32
	frameHeaderSize = 24
	logMagic        = 0x377f0682 // its last bit is the byte order of checksums
)

// logHeader is the header of a log. It changes each time SQLite restarts the log.
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

// checksum is SQLite's checksum, which is cumulative over the log.
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

// is reports whether the checksum equals the stored one.
func (c *checksum) is(stored []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(stored) && c.s1 == binary.BigEndian.Uint32(stored[4:])
}

// check verifies the header and returns its checksum, which those of the frames continue, and the page size.
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

// checkLog reads the log up to the given frame like SQLite's recovery, and returns an error if that would stop earlier.
// It returns the log's header.
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
