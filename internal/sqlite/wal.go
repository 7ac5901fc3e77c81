package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// What is known of a write-ahead log: https://sqlite.org/fileformat2.html#the_write_ahead_log.
const (
	logHeaderSize   = 32
	frameHeaderSize = 24
	logMagic        = 0x377f0682 // its last bit says how words are read for checksums
)

// logHeader is the beginning of a log. It is another one each time SQLite begins the log anew.
type logHeader [logHeaderSize]byte

// readLogHeader returns the header of a log, the zero header where the log is empty.
func readLogHeader(log *os.File) (h logHeader, err error) {
	if n, err := log.ReadAt(h[:], 0); n == 0 && errors.Is(err, io.EOF) {
		return h, nil
	} else if err != nil {
		return logHeader{}, err
	}
	return h, nil
}

// checksum is SQLite's: it goes on from one part of the log to the next.
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

// is reports whether the checksum is the one that is stored there.
func (c *checksum) is(stored []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(stored) && c.s1 == binary.BigEndian.Uint32(stored[4:])
}

// check returns the checksum of the header, with which those of the frames go on, and the size of a page.
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

// checkLog reads the log up to that frame as SQLite does when it recovers, and returns an error where that would stop
// before. It returns the log's header.
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
