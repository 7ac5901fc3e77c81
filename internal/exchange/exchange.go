// Package exchange reads catalog items from files and writes them to files: SQL with INSERT or
// COPY, as pg_dump and mariadb-dump write it, JSON lines, and CSV as spreadsheets export it. Files
// are in UTF-8 or UTF-16.
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
)

// maxRow is the longest row that is read, in bytes. In SQL neither comments nor runs of white
// space count, in CSV neither quoting nor the line end.
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
	// say otherwise: backslash escapes in every string, strings in double quotes too, comments from
	// # and no nested ones. Otherwise they are in PostgreSQL's, which SQLite's inserts follow too.
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

// reader returns the function that reads the next row of a file, io.EOF behind the last.
func (s Schema[T]) reader(r io.Reader, f Format) func() (Row[T], error) {
	switch f {
	case SQL:
		return s.rows(newSQLReader(r, s.Table, s.Columns, s.MySQL).next)
	case CSV:
		return newCSVReader(r, s).next
	case JSONLines:
		return newJSONReader(r, s).next
	default:
		return func() (Row[T], error) { return Row[T]{}, fmt.Errorf("%v files can't be read", f) }
	}
}

// record is a row of SQL.
type record struct {
	line   int
	values []value // those that are given
	err    error
}

type value struct{ column, text string }

func (s Schema[T]) rows(next func() (record, error)) func() (Row[T], error) {
	return func() (Row[T], error) {
		rec, err := next()
		if err != nil {
			return Row[T]{}, err
		}
		row := Row[T]{Line: rec.line, Err: rec.err}
		for _, v := range rec.values {
			s.set(&row, v.column, v.text)
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

// canonical returns a column in its own spelling.
func canonical(columns []string, name string) (string, bool) {
	for _, column := range columns {
		if strings.EqualFold(column, name) {
			return column, true
		}
	}
	return "", false
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
