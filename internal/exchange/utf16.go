package exchange

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Order returns the byte order of a file in UTF-16 and the length of its byte order mark, or nil for any other file.
// Without a mark, it relies on the fact that every format starts with an ASCII character.
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

// utf16Reader converts UTF-16 to UTF-8. Invalid UTF-16, such as half of a surrogate pair, becomes invalid UTF-8, so that
// its row is rejected.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
	text  []byte // not yet read
	err   error  // after the text
	space [4096]byte
}

// Read implements io.Reader.
func (r *utf16Reader) Read(p []byte) (int, error) {
	if len(r.text) == 0 {
		r.text = r.space[:0]
		for r.err == nil && len(r.text) <= len(r.space)-utf8.UTFMax {
			r.err = r.decode()
		}
	}
	if len(r.text) == 0 {
		return 0, r.err
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

// decode appends the next character to the text.
func (r *utf16Reader) decode() error {
	unit, err := r.in.Peek(2)
	if len(unit) == 0 {
		return err
	}
	if len(unit) == 2 {
		char := rune(r.order.Uint16(unit))
		if !utf16.IsSurrogate(char) {
			r.text = utf8.AppendRune(r.text, char)
			_, err = r.in.Discard(2)
			return err
		}
		if pair, _ := r.in.Peek(4); len(pair) == 4 {
			if char = utf16.DecodeRune(char, rune(r.order.Uint16(pair[2:]))); char != utf8.RuneError {
				r.text = utf8.AppendRune(r.text, char)
				_, err = r.in.Discard(4)
				return err
			}
		}
	}
	r.text = append(r.text, 0xFF)
	_, err = r.in.Discard(len(unit))
	return err
}
