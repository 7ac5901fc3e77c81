package exchange

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

const byteOrderMark = "\xEF\xBB\xBF"

// newInput returns a buffered reader of the text in UTF-8, after the byte order mark if there is one.
func newInput(r io.Reader) *bufio.Reader {
	in := bufio.NewReaderSize(&stickyReader{in: r}, 64<<10)
	head, _ := in.Peek(len(byteOrderMark))
	if string(head) == byteOrderMark {
		_, _ = in.Discard(len(head))
	} else if order, mark := utf16Order(head); order != nil {
		_, _ = in.Discard(mark)
		return bufio.NewReaderSize(&utf16Reader{in: in, order: order}, 64<<10)
	}
	return in
}

// stickyReader repeats its last error for ever; bufio forgets one that Peek has met.
type stickyReader struct {
	in  io.Reader
	err error
}

func (r *stickyReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.in.Read(p)
	r.err = err
	return n, err
}

// source reads a file byte by byte and knows the line.
type source struct {
	in   *bufio.Reader
	line int // of the next byte, from 1
}

func newSource(r io.Reader) *source { return &source{in: newInput(r), line: 1} }

// next returns io.EOF as it is and every other error with its line.
func (s *source) next() (byte, error) {
	b, err := s.in.ReadByte()
	if err == io.EOF {
		return 0, io.EOF
	}
	if err != nil {
		return 0, readError(s.line, err)
	}
	if b == '\n' {
		s.line++
	}
	return b, nil
}

// peek returns up to n bytes ahead; fewer before the end or an error, which next will tell.
func (s *source) peek(n int) []byte {
	ahead, _ := s.in.Peek(n)
	return ahead
}

func (s *source) ahead(text string) bool { return string(s.peek(len(text))) == text }

// readLine reads the rest of the line, without its end, into the space of text; io.EOF where there is no more.
func (s *source) readLine(text []byte) ([]byte, error) {
	text = text[:0]
	line := s.line
	for {
		b, err := s.next()
		switch {
		case err == io.EOF && len(text) > 0, err == nil && b == '\n':
			return bytes.TrimSuffix(text, []byte("\r")), nil
		case err != nil:
			return text, err
		case len(text) == maxRow && b != '\r', len(text) > maxRow:
			return text, lineError(line, errRowTooLong)
		}
		text = append(text, b)
	}
}

// skipLine skips the rest of the line; io.EOF where there is no more.
func (s *source) skipLine() error {
	for {
		if b, err := s.next(); err != nil || b == '\n' {
			return err
		}
	}
}

func readError(line int, err error) error { return lineError(line, fmt.Errorf("read: %w", err)) }
