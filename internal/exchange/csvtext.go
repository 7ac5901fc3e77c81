package exchange

import (
	"bufio"
	"errors"
	"io"
)

// csvText feeds a file to encoding/csv, which doesn't limit the length of rows and converts CRLF within quotes to LF.
// csvText therefore doubles the carriage return of a CRLF within quotes, so that fields are preserved byte for byte.
// csvText returns an error with a line number for a row longer than maxRow and for an unterminated quoted field.
type csvText struct {
	in        *bufio.Reader
	separator byte

	line, row, field int // line numbers of the next byte, the start of its row, and the start of the last quoted field
	length           int // length of the row so far
	at               csvPlace
	repeat           bool // whether the next byte to return is an additional carriage return
	err              error
}

type csvPlace int

const (
	fieldStart csvPlace = iota
	unquoted
	quoted
	quoteEnd // after a quote in a quoted field: either the closing quote or the first half of a doubled quote
)

// Read implements io.Reader.
func (t *csvText) Read(p []byte) (n int, err error) {
	for ; n < len(p) && t.err == nil; n++ {
		if t.repeat {
			p[n], t.repeat = '\r', false
			continue
		}
		if p[n], t.err = t.in.ReadByte(); t.err != nil {
			t.err = t.ended(t.err)
			return n, t.err
		}
		t.follow(p[n])
	}
	return n, t.err
}

func (t *csvText) ended(err error) error {
	switch {
	case err == io.EOF && t.at == quoted:
		return lineError(t.field, errors.New("unterminated quoted field"))
	case err == io.EOF:
		return io.EOF
	}
	return readError(t.line, err)
}

// follow updates the parser's state, the line number and the row length for the next byte.
func (t *csvText) follow(b byte) {
	t.length++
	switch {
	case t.at == quoted && b == '"':
		t.at = quoteEnd
		t.length--
	case t.at == quoted:
		t.repeat = b == '\r' && t.lineEnds()
	case b == '\n':
		t.at, t.length, t.row = fieldStart, 0, t.line+1
	case b == '\r' && t.lineEnds():
		t.length--
	case b == t.separator:
		t.at = fieldStart
	case b == '"' && t.at == fieldStart:
		t.at, t.field = quoted, t.line
		t.length--
	case b == '"' && t.at == quoteEnd:
		t.at = quoted
	default:
		t.at = unquoted
	}
	if b == '\n' {
		t.line++
	}
	if t.length > maxRow {
		t.err = lineError(t.row, errRowTooLong)
	}
}

// lineEnds reports whether the next byte is a line feed.
func (t *csvText) lineEnds() bool {
	ahead, _ := t.in.Peek(1)
	return string(ahead) == "\n"
}
