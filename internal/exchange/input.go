package exchange

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

const byteOrderMark = "\xEF\xBB\xBF"

// newInput returns a buffered reader that converts a file to UTF-8 and drops its byte order mark.
func newInput(r io.Reader) *bufio.Reader {
	in := bufio.NewReaderSize(&stickyReader{in: r}, 64<<10)
	head, _ := in.Peek(len(byteOrderMark))
	if string(head) == byteOrderMark {
		_, _ = in.Discard(len(head))
	} else if order, mark := utf16Order(head); order != nil {
		_, _ = in.Discard(mark)
		return bufio.NewReaderSize(&utf16Reader{in, order}, 64<<10)
	}
	return in
}

// stickyReader returns its first error again on every later call, because bufio forgets errors encountered by Peek.
type stickyReader struct {
	in  io.Reader
	err error
}

func (r *stickyReader) Read(p []byte) (n int, err error) {
	if r.err == nil {
		n, r.err = r.in.Read(p)
	}
	return n, r.err
}

func readError(line int, err error) error { return lineError(line, fmt.Errorf("read: %w", err)) }

// utf16Order returns the byte order of a file in UTF-16 and the length of its byte order mark, or nil for any other
// file. For files without a byte order mark, utf16Order relies on the fact that files in all formats start with an
// ASCII character.
func utf16Order(head []byte) (order binary.ByteOrder, mark int) {
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return binary.LittleEndian, 2
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return binary.BigEndian, 2
	case len(head) < 2 || (head[0] == 0) == (head[1] == 0):
		return nil, 0
	case head[1] == 0:
		return binary.LittleEndian, 0
	}
	return binary.BigEndian, 0
}

// utf16Reader converts UTF-16 to UTF-8. Invalid UTF-16, such as half of a surrogate pair, becomes invalid UTF-8, so
// that the row is rejected.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
}

// Read implements io.Reader. Only a bufio.Reader may call Read, because p must have room for at least one character.
func (r *utf16Reader) Read(p []byte) (n int, err error) {
	for err == nil && n+utf8.UTFMax <= len(p) {
		var encoded []byte
		encoded, err = r.next(p[n:n])
		n += len(encoded)
	}
	return n, err
}

// next appends the next character to dst.
func (r *utf16Reader) next(dst []byte) ([]byte, error) {
	units, err := r.in.Peek(4) // returns fewer bytes at the end of the file
	if len(units) == 0 {
		return dst, err
	}
	used := min(2, len(units))
	char := utf8.RuneError
	if used == 2 {
		char = rune(r.order.Uint16(units))
	}
	switch {
	case used == 2 && !utf16.IsSurrogate(char):
		dst = utf8.AppendRune(dst, char)
	case len(units) == 4 && utf16.DecodeRune(char, rune(r.order.Uint16(units[2:]))) != utf8.RuneError:
		dst = utf8.AppendRune(dst, utf16.DecodeRune(char, rune(r.order.Uint16(units[2:]))))
		used = 4
	default:
		dst = append(dst, 0xFF)
	}
	_, err = r.in.Discard(used)
	return dst, err
}
