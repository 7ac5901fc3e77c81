// Package exchange reads catalog items from files and writes them to files: SQL dumps, JSON lines, and CSV as spreadsheets
// export it. Files are in UTF-8 or UTF-16. It knows neither the items nor where they are stored: a Schema says how they stand
// in files.
//
// Everything streams: one row is in memory at a time, and a row takes at most 1 MiB. A row that
// can't be taken is handed on with the reason, and reading goes on with the next one; only what
// makes the rest of the file meaningless ends it.
package exchange

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"superheroes/internal/sqldump"
)

// maxRow is the longest row that is read, in bytes. In CSV neither quoting nor the line end counts.
const maxRow = 1 << 20

// Schema says how an item is read from and written to columns.
type Schema[T any] struct {
	// Table is the table whose rows are read from SQL; those of other tables are skipped.
	Table string
	// Columns are the item's columns in their canonical spelling and in the order in which they
	// are written: first the id, then the name, without which a CSV file isn't taken.
	// Files may spell them in any letter case.
	Columns []string
	// MySQL says that SQL files are in the dialect of MySQL and MariaDB, unless their first lines
	// say otherwise. Otherwise they are in PostgreSQL's, which SQLite's inserts follow too.
	MySQL bool
	// Set gives a column its value. It isn't called for NULL, DEFAULT and the next id.
	Set func(item *T, column, value string) error
	// Get returns a column as text, the inverse of Set. An id of "" or "0" means none.
	Get func(item T, column string) string
	// Decode reads one JSON object. It may not keep the line.
	Decode func(line []byte) (T, error)
	// AppendJSON appends the item as one JSON object without a line feed.
	AppendJSON func(dst []byte, item T) []byte
}

// Row is one row of a file.
type Row[T any] struct {
	Line int   // where the row starts, from 1
	Item T     // without an id when the file leaves it to the database
	Err  error // why the row can't be taken: a *LineError
}

// Read returns the rows of a file, which can be ranged over once. An error ends the file, comes
// without a row and names the line: the reader failed, a string or statement doesn't end, a row is
// longer than 1 MiB, a CSV header is wrong.
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
		return s.sqlReader(r)
	case CSV:
		return newCSVReader(r, s).next
	case JSONLines:
		return newJSONReader(r, s).next
	default:
		return func() (Row[T], error) { return Row[T]{}, fmt.Errorf("%v files can't be read", f) }
	}
}

func (s Schema[T]) sqlReader(r io.Reader) func() (Row[T], error) {
	in := sqldump.NewReader(newInput(r), s.Table, s.Columns, s.MySQL)
	return func() (Row[T], error) {
		dumped, err := in.Next()
		if err == io.EOF {
			return Row[T]{}, io.EOF
		}
		if err != nil {
			return Row[T]{}, lineError(in.Line(), err)
		}
		row := Row[T]{Line: dumped.Line}
		if dumped.Err != nil {
			row.Err = columnError(dumped.Line, dumped.Column, dumped.Err)
		}
		for _, v := range dumped.Values {
			s.set(&row, v.Column, v.Text)
		}
		return row, nil
	}
}

// set gives a column of the row its value, unless the row is refused.
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

// checkText refuses what no store can keep.
func checkText(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("invalid UTF-8")
	}
	if strings.IndexByte(text, 0) >= 0 {
		return errors.New("a NUL character")
	}
	return nil
}

// LineError is an error and the place in a file where it was found.
type LineError struct {
	Line   int
	Column string // "" when it is not about one
	Err    error
}

func (e *LineError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d, column %s: %v", e.Line, e.Column, e.Err)
}

// Unwrap returns the error without its place.
func (e *LineError) Unwrap() error { return e.Err }

func lineError(line int, err error) error { return &LineError{Line: line, Err: err} }

func columnError(line int, column string, err error) error {
	return &LineError{Line: line, Column: column, Err: err}
}

// counted returns the number with the word in the form that goes with it.
func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

var errRowTooLong = fmt.Errorf("a row of more than %d bytes", maxRow)
