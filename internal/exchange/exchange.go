// Package exchange reads catalog items from files and writes them to files: JSON lines, and CSV as spreadsheets export
// it. From SQL it reads the rows of one table, as far as the files of the Quarkus application and dumps need it. Files
// are in UTF-8 or UTF-16. The package knows neither the items nor where they are stored: a Schema maps items to
// columns.
//
// Everything streams: one row is in memory at a time, and a row is at most 1 MiB long. An invalid row is returned with
// the reason, and reading continues with the next one; only errors that make the rest of the file meaningless end it.
package exchange

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// maxRow is the maximum length of a row, in bytes. In CSV, quotes and the line ending don't count.
const maxRow = 1 << 20

// Schema maps an item to and from columns.
type Schema[T any] struct {
	// Table is the table whose rows are read from SQL; rows of other tables are skipped.
	Table string
	// Columns are the item's columns in their canonical spelling and in the order in which they
	// are written: first the id, then the name, which is required in a CSV header. Files may
	// spell them in any letter case.
	Columns []string
	// MySQL says that SQL files are in the dialect of MySQL and MariaDB. The default is
	// PostgreSQL's, which SQLite's inserts follow too. The first lines of a dump take precedence.
	MySQL bool
	// Set sets a column's value. It isn't called for NULL, DEFAULT or the next id of a sequence.
	Set func(item *T, column, value string) error
	// Get returns a column as text, the inverse of Set. An id of "" or "0" means no id.
	Get func(item T, column string) string
	// Decode decodes one JSON object. It must not retain the line.
	Decode func(line []byte) (T, error)
	// AppendJSON appends the item as one JSON object without a line feed.
	AppendJSON func(dst []byte, item T) []byte
}

// Row is one row of a file.
type Row[T any] struct {
	Line int   // where the row starts, from 1
	Item T     // without an id when the file leaves it to the database
	Err  error // why the row is invalid: a *LineError
}

// Read returns the rows of a file, which can be ranged over once. An error comes without a row, ends the iteration and
// names the line: a read error, an unterminated string or statement, a row longer than 1 MiB, or an invalid CSV header.
func Read[T any](r io.Reader, f Format, s Schema[T]) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
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

// reader returns the function that reads the next row of a file, io.EOF after the last.
func (s Schema[T]) reader(r io.Reader, f Format) func() (Row[T], error) {
	switch f {
	case SQL:
		return newSQLReader(r, s).next
	case CSV:
		return newCSVReader(r, s).next
	case JSONLines:
		return newJSONReader(r, s).next
	default:
		return func() (Row[T], error) { return Row[T]{}, fmt.Errorf("%v files can't be read", f) }
	}
}

// set sets the value of a column, unless the row already has an error.
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

// checkText rejects strings that no store can hold.
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

// counted returns the number followed by the word in the singular or plural.
func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

var errRowTooLong = fmt.Errorf("row longer than %d bytes", maxRow)
