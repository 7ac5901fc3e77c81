package exchange

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
)

// Writer writes items to a file one by one. A Writer isn't safe for concurrent use.
type Writer[T any] struct {
	out   *bufio.Writer
	write func(item T) error
	err   error
}

// NewWriter returns a writer for JSON lines or CSV. Lines end in LF, and CSV has a header line. For any other format,
// Write and Flush always fail.
func NewWriter[T any](w io.Writer, f Format, s Schema[T]) *Writer[T] {
	out := &Writer[T]{out: bufio.NewWriterSize(w, 64<<10)}
	switch f {
	case JSONLines:
		var line []byte
		out.write = func(item T) error {
			line = append(s.AppendJSON(line[:0], item), '\n')
			_, err := out.out.Write(line)
			return err
		}
	case CSV:
		rows, fields := csv.NewWriter(out.out), make([]string, len(s.Columns)) // its buffer is out.out
		out.write = func(item T) error {
			for i, column := range s.Columns {
				fields[i] = s.Get(item, column)
			}
			return rows.Write(fields)
		}
		out.err = rows.Write(s.Columns)
	default:
		out.err = fmt.Errorf("%v files can't be written", f)
	}
	return out
}

// Write appends an item. Only after Flush is the item guaranteed to have been written.
func (w *Writer[T]) Write(item T) error { return w.do(func() error { return w.write(item) }) }

// Flush writes any buffered data to the underlying writer.
func (w *Writer[T]) Flush() error { return w.do(w.out.Flush) }

// do runs the function step unless an earlier step failed.
func (w *Writer[T]) do(step func() error) error {
	if w.err != nil {
		return w.err
	}
	if err := step(); err != nil {
		w.err = fmt.Errorf("write: %w", err)
	}
	return w.err
}
