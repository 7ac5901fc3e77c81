package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

var errArray = errors.New("a JSON array; JSON lines need one object per line (convert with jq -c '.[]')")

// jsonReader reads JSON lines. Blank lines are skipped.
type jsonReader[T any] struct {
	lines  *bufio.Scanner
	line   int
	begun  bool // a line that isn't blank has been read
	schema Schema[T]
}

func newJSONReader[T any](r io.Reader, s Schema[T]) *jsonReader[T] {
	lines := bufio.NewScanner(newInput(r))
	lines.Buffer(nil, maxRow+len("\r\n")+1)
	return &jsonReader[T]{lines: lines, schema: s}
}

func (r *jsonReader[T]) next() (Row[T], error) {
	for {
		text, err := r.readLine()
		if err != nil {
			return Row[T]{}, err
		}
		text = bytes.Trim(text, " \t\r")
		if len(text) == 0 {
			continue
		}
		if !r.begun && text[0] == '[' {
			return Row[T]{}, lineError(r.line, errArray)
		}
		r.begun = true
		return r.row(text), nil
	}
}

func (r *jsonReader[T]) readLine() ([]byte, error) {
	more := r.lines.Scan()
	r.line++
	// Before the scanner reports a read error, it returns the remaining data, which may be a truncated line.
	err := r.lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong), err == nil && len(r.lines.Bytes()) > maxRow:
		return nil, lineError(r.line, errRowTooLong)
	case err != nil:
		return nil, readError(r.line, err)
	case !more:
		return nil, io.EOF
	}
	return r.lines.Bytes(), nil
}

func (r *jsonReader[T]) row(text []byte) Row[T] {
	item, err := r.schema.Decode(text)
	if err != nil {
		return Row[T]{Line: r.line, Err: lineError(r.line, err)}
	}
	row := Row[T]{Line: r.line, Item: item}
	for _, column := range r.schema.Columns {
		if err := checkText(r.schema.Get(item, column)); err != nil {
			row.Err = columnError(r.line, column, err)
			return row
		}
	}
	return row
}
