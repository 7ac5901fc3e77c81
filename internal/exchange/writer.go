package exchange

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Writer writes items to a file, one after the other. It isn't safe for concurrent use.
type Writer[T any] struct {
	out    *bufio.Writer
	append func(dst []byte, item T) []byte
	row    []byte
	err    error
}

// NewWriter returns a writer of JSON lines or of CSV, with a header line and lines that end in LF.
// Of any other format every Write and Flush fails.
func NewWriter[T any](w io.Writer, f Format, s Schema[T]) *Writer[T] {
	out := &Writer[T]{out: bufio.NewWriterSize(w, 64<<10)}
	switch f {
	case JSONLines:
		out.append = func(dst []byte, item T) []byte { return append(s.AppendJSON(dst, item), '\n') }
	case CSV:
		out.append = s.appendCSV
		_, out.err = out.out.Write(appendCSVRow(nil, s.Columns))
	default:
		out.err = fmt.Errorf("%v files can't be written", f)
	}
	return out
}

// Write appends an item; it is certain to be in the file after Flush only.
func (w *Writer[T]) Write(item T) error {
	if w.err != nil {
		return w.err
	}
	w.row = w.append(w.row[:0], item)
	if _, err := w.out.Write(w.row); err != nil {
		w.err = fmt.Errorf("write: %w", err)
	}
	return w.err
}

// Flush hands everything on to the writer below.
func (w *Writer[T]) Flush() error {
	if w.err != nil {
		return w.err
	}
	if err := w.out.Flush(); err != nil {
		w.err = fmt.Errorf("write: %w", err)
	}
	return w.err
}

func (s Schema[T]) appendCSV(dst []byte, item T) []byte {
	fields := make([]string, len(s.Columns))
	for i, column := range s.Columns {
		fields[i] = s.Get(item, column)
	}
	return appendCSVRow(dst, fields)
}

func appendCSVRow(dst []byte, fields []string) []byte {
	for i, field := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCSVField(dst, field)
	}
	return append(dst, '\n')
}

func appendCSVField(dst []byte, field string) []byte {
	if !needsQuotes(field) {
		return append(dst, field...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(field, `"`, `""`)...)
	return append(dst, '"')
}

// needsQuotes is true where RFC 4180 asks for quotes, and for blanks at either end, which many
// programs would drop.
func needsQuotes(field string) bool {
	return strings.ContainsAny(field, "\",\r\n") || strings.Trim(field, " \t") != field
}
