// Package exchange reads and writes files of catalog items: JSON lines, and CSV as exported by spreadsheets. The
// package can also read the rows of one table from SQL files, limited to the subset of SQL used by database dumps and
// the Quarkus application. Files are encoded in UTF-8 or UTF-16. The package is independent of the items and their
// storage: a Schema maps items to columns.
//
// Files are streamed: only one row is in memory at a time, and a row may be at most 1 MiB long. An invalid row is
// returned with an error, and reading continues with the next row. Reading stops only at errors that make the rest of
// the file unreadable.
package exchange

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// maxRow is the maximum length of a row, in bytes. In a CSV row, quotes and the line ending aren't counted.
const maxRow = 1 << 20

// Schema maps items to columns and vice versa.
type Schema[T any] struct {
	// Table is the table whose rows are read from SQL; rows of other tables are skipped.
	Table string
	// Columns are the item's columns in their canonical spelling and in the order in which they are written: first
	// the id, then the name, which is required in a CSV header. Column names in files are case-insensitive.
	Columns []string
	// MySQL selects the SQL dialect used by MySQL and MariaDB. The default is the PostgreSQL dialect, which also covers
	// SQLite's INSERT statements. If the first lines of a dump name a dialect, that dialect takes precedence.
	MySQL bool
	// Set sets a column's value. Set isn't called for NULL, DEFAULT or the next id of a sequence.
	Set func(item *T, column, value string) error
	// Get returns a column as text and is the inverse of Set. An id of "" or "0" means no id.
	Get func(item T, column string) string
	// Decode decodes one JSON object. Decode must not retain the line.
	Decode func(line []byte) (T, error)
	// AppendJSON appends the item as one JSON object without a line feed.
	AppendJSON func(dst []byte, item T) []byte
}

// Row is one row of a file.
type Row[T any] struct {
	Line int   // line number of the row's first line, counted from 1
	Item T     // has no id if the database is to assign one
	Err  error // a *LineError if the row is invalid
}

// Read returns the rows of a file as a single-use iterator. An error ends the iteration, is returned without a
// row and includes the line number. Possible errors are a read error, an unterminated string or statement, a row longer
// than 1 MiB, and an invalid CSV header.
func Read[T any](r io.Reader, f Format, s Schema[T]) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		if f == SQL {
			newSQLReader(r, s, yield).read()
			return
		}
		next := s.reader(r, f)
		for {
			row, err := next()
			if err == io.EOF {
				return
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// reader returns a function that reads the next row of a file, and returns io.EOF after the last row.
func (s Schema[T]) reader(r io.Reader, f Format) func() (Row[T], error) {
	switch f {
	case CSV:
		return newCSVReader(r, s).next
	case JSONLines:
		return newJSONReader(r, s).next
	default:
		return func() (Row[T], error) { return Row[T]{}, fmt.Errorf("%v files can't be read", f) }
	}
}

// set sets the value of a column and records any error, unless the row already has an error.
func (s Schema[T]) set(row *Row[T], column, text string) {
	if row.Err != nil {
		return
	}
	err := checkText(text)
	if err == nil {
		err = s.Set(&row.Item, column, text)
	}
	if err != nil {
		row.Err = columnError(row.Line, column, err)
	}
}

// checkText rejects strings that some databases can't store.
func checkText(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("invalid UTF-8")
	}
	if strings.IndexByte(text, 0) >= 0 {
		return errors.New("NUL character")
	}
	return nil
}

// LineError is an error at a position in a file.
type LineError struct {
	Line   int
	Column string // "" if the error isn't about a single column
	Err    error
}

func (e *LineError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d, column %s: %v", e.Line, e.Column, e.Err)
}

// Unwrap returns the error without its position.
func (e *LineError) Unwrap() error { return e.Err }

func lineError(line int, err error) error { return &LineError{Line: line, Err: err} }

func columnError(line int, column string, err error) error {
	return &LineError{Line: line, Column: column, Err: err}
}

// counted returns n followed by the word in the singular or plural.
func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

var errRowTooLong = fmt.Errorf("row longer than %d bytes", maxRow)
