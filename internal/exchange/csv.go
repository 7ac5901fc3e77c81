package exchange

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// csvReader reads CSV with a header line. Columns missing from the header get zero values, a row with an empty id
// gets its id from the database, and blank lines are skipped.
type csvReader[T any] struct {
	rows   *csv.Reader
	text   *csvText
	header []string // in canonical spelling; nil until the header is read
	schema Schema[T]
}

func newCSVReader[T any](r io.Reader, s Schema[T]) *csvReader[T] {
	text := &csvText{in: newInput(r), line: 1, row: 1}
	head, _ := text.in.Peek(4 << 10)
	text.separator = separator(head)
	rows := csv.NewReader(text)
	rows.Comma, rows.FieldsPerRecord, rows.ReuseRecord = rune(text.separator), -1, true
	return &csvReader[T]{rows: rows, text: text, schema: s}
}

// separator returns the field separator. A line such as sep=; (an Excel convention) declares the separator. Without
// this line, the separator is the comma, semicolon or tab after the first column name in the header.
func separator(head []byte) byte {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	line, declared := bytes.CutPrefix(bytes.TrimRight(line, "\r"), []byte(separatorLine))
	if i := bytes.IndexAny(line, ",;\t"); i >= 0 {
		return line[i]
	}
	if declared && len(line) == 1 && line[0] > ' ' && line[0] != '"' {
		return line[0]
	}
	return ','
}

const separatorLine = "sep="

func (r *csvReader[T]) next() (Row[T], error) {
	if r.header == nil {
		if err := r.readHeader(); err != nil {
			return Row[T]{}, err
		}
	}
	fields, err := r.rows.Read()
	if fault, ok := errors.AsType[*csv.ParseError](err); ok {
		column := ""
		if len(fields) < len(r.header) {
			column = r.header[len(fields)]
		}
		return Row[T]{Line: fault.StartLine, Err: columnError(fault.StartLine, column, quotingError(fault))}, nil
	}
	if err != nil {
		return Row[T]{}, err
	}
	line, _ := r.rows.FieldPos(0)
	row := Row[T]{Line: line}
	if len(fields) != len(r.header) {
		row.Err = lineError(line, fmt.Errorf("%s, but the header has %d", counted(len(fields), "field"), len(r.header)))
		return row, nil
	}
	for i, text := range fields {
		if text != "" || r.header[i] != r.schema.Columns[0] {
			r.schema.set(&row, r.header[i], text)
		}
	}
	return row, nil
}

func (r *csvReader[T]) readHeader() error {
	names, err := r.rows.Read()
	if err == nil && names[0] == separatorLine {
		names, err = r.rows.Read()
	}
	if err == io.EOF {
		return lineError(r.text.line, errors.New("the header line is missing"))
	}
	if fault, ok := errors.AsType[*csv.ParseError](err); ok {
		return lineError(fault.StartLine, quotingError(fault))
	}
	if err != nil {
		return err
	}
	line, _ := r.rows.FieldPos(0)
	r.header, err = headerColumns(r.schema.Columns, names)
	if err != nil {
		return lineError(line, err)
	}
	return nil
}

func headerColumns(columns, names []string) ([]string, error) {
	var header []string
	for _, name := range names {
		i := slices.IndexFunc(columns, func(column string) bool { return strings.EqualFold(column, strings.TrimSpace(name)) })
		if i < 0 {
			return nil, fmt.Errorf("the header has an unknown column %.60q; known columns: %s", name, strings.Join(columns, ", "))
		}
		if slices.Contains(header, columns[i]) {
			return nil, fmt.Errorf("the header has column %s twice", columns[i])
		}
		header = append(header, columns[i])
	}
	if !slices.Contains(header, columns[1]) {
		return nil, fmt.Errorf("the header lacks column %s", columns[1])
	}
	return header, nil
}

// quotingError returns an error that explains why encoding/csv can't parse a row.
func quotingError(fault *csv.ParseError) error {
	if errors.Is(fault, csv.ErrBareQuote) {
		return errors.New("quote in an unquoted field")
	}
	return errors.New("text after a closing quote; double the quotes inside a quoted field")
}
