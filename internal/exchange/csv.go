package exchange

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvReader reads CSV as RFC 4180 has it, with lines that end in CRLF or LF and a header line. The
// separator is a comma, or what a spreadsheet writes in its place: it is the comma, semicolon or tab
// after the first name in the header, or what a line sep=; before the header says.
// encoding/csv won't do: it turns a CRLF within quotes into LF, and fields are kept byte for byte.
// A column that the header lacks stays zero, an empty id is left to the database, and blank lines
// are skipped.
type csvReader struct {
	src       *source
	columns   []string // of the schema
	header    []string // of the file, in canonical spelling; nil before it is read
	separator byte     // 0 before it is known

	// The row last read, its fields one after the other, and where each ends.
	line   int
	text   []byte
	ends   []int
	quoted bool  // some field is
	fault  error // its first fault in quoting
}

func newCSVReader(r io.Reader, columns []string) *csvReader {
	return &csvReader{src: newSource(r), columns: columns}
}

func (r *csvReader) next() (record, error) {
	if r.header == nil {
		if err := r.readHeader(); err != nil {
			return record{}, err
		}
	}
	if err := r.read(); err != nil {
		return record{}, err
	}
	return r.record(), nil
}

func (r *csvReader) readHeader() error {
	err := r.read()
	if err == nil && r.isSeparatorLine() {
		err = r.read()
	}
	if err == io.EOF {
		return lineError(r.src.line, errors.New("the header line is missing"))
	}
	if err != nil {
		return err
	}
	if r.fault != nil {
		return lineError(r.line, r.fault)
	}
	header, err := headerColumns(r.columns, r.fields())
	if err != nil {
		return lineError(r.line, err)
	}
	r.header = header
	return nil
}

// isSeparatorLine reports whether the row is the sep=; by which Excel knows the separator, and takes that.
func (r *csvReader) isSeparatorLine() bool {
	fields := r.fields()
	switch {
	case r.line != 1 || r.quoted || r.fault != nil || !strings.HasPrefix(fields[0], "sep="):
		return false
	case len(fields) == 1 && len(fields[0]) == len("sep=|"):
		r.separator = fields[0][len("sep=")]
		return true
	}
	return fields[0] == "sep=" && len(fields) == 2 && fields[1] == ""
}

func headerColumns(columns, names []string) ([]string, error) {
	seen := make(map[string]bool)
	var header []string
	for _, name := range names {
		column, known := canonical(columns, strings.TrimSpace(name))
		if !known {
			return nil, fmt.Errorf("the header has an unknown column %.60q; known are %s", name, strings.Join(columns, ", "))
		}
		if seen[column] {
			return nil, fmt.Errorf("the header has column %s twice", column)
		}
		seen[column] = true
		header = append(header, column)
	}
	if !seen[columns[1]] {
		return nil, fmt.Errorf("the header lacks column %s", columns[1])
	}
	return header, nil
}

func (r *csvReader) record() record {
	rec := record{line: r.line}
	if r.fault != nil {
		rec.err = lineError(r.line, r.fault)
		return rec
	}
	if len(r.ends) != len(r.header) {
		rec.err = lineError(r.line, fmt.Errorf("%s, the header has %d", counted(len(r.ends), "field"), len(r.header)))
		return rec
	}
	for i, text := range r.fields() {
		if r.header[i] == r.columns[0] && text == "" {
			continue
		}
		rec.values = append(rec.values, value{r.header[i], text})
	}
	return rec
}

func (r *csvReader) fields() []string {
	fields := make([]string, len(r.ends))
	start := 0
	for i, end := range r.ends {
		fields[i] = string(r.text[start:end])
		start = end
	}
	return fields
}

// read reads the next row that isn't a blank line; io.EOF behind the last.
func (r *csvReader) read() error {
	for {
		r.line, r.text, r.ends, r.quoted, r.fault = r.src.line, r.text[:0], r.ends[:0], false, nil
		if len(r.src.peek(1)) == 0 {
			_, err := r.src.next()
			return err
		}
		for more := true; more; {
			var err error
			if more, err = r.field(); err != nil {
				return err
			}
		}
		if len(r.ends) > 1 || len(r.text) > 0 || r.quoted {
			return nil
		}
	}
}

// separates reports whether the byte ends a field. The first that may do so is the separator.
func (r *csvReader) separates(b byte) bool {
	if r.separator == 0 && (b == ',' || b == ';' || b == '\t') {
		r.separator = b
	}
	return b == r.separator && b != 0
}

// field reads a field and the separator or line end behind it, and reports whether there is a next one.
func (r *csvReader) field() (more bool, err error) {
	behindQuote := false
	if r.src.ahead(`"`) {
		if err := r.quotedText(); err != nil {
			return false, err
		}
		behindQuote = true
	}
	for {
		b, err := r.src.next()
		switch {
		case err == io.EOF, err == nil && b == '\n':
			return false, r.endField()
		case err != nil:
			return false, err
		case r.separates(b):
			return true, r.endField()
		case b == '\r' && r.atLineEnd():
			continue
		case behindQuote:
			r.refuse("text behind a closing quote; a quote within quotes is doubled")
		case b == '"':
			r.refuse("a quote within a field that isn't quoted")
		}
		if err := r.keep(b); err != nil {
			return false, err
		}
	}
}

// quotedText reads a text in quotes.
func (r *csvReader) quotedText() error {
	r.quoted = true
	start := r.src.line
	_, _ = r.src.next()
	for {
		b, err := r.src.next()
		if err == io.EOF {
			return lineError(start, errors.New("a quoted field that doesn't end"))
		}
		if err != nil {
			return err
		}
		if b == '"' {
			if !r.src.ahead(`"`) {
				return nil
			}
			_, _ = r.src.next()
		}
		if err := r.keep(b); err != nil {
			return err
		}
	}
}

// atLineEnd tells whether the carriage return just read is part of a line's end; elsewhere it is text.
func (r *csvReader) atLineEnd() bool {
	ahead := r.src.peek(1)
	return len(ahead) == 0 || ahead[0] == '\n'
}

func (r *csvReader) keep(b byte) error {
	r.text = append(r.text, b)
	return r.checkLength()
}

func (r *csvReader) endField() error {
	r.ends = append(r.ends, len(r.text))
	return r.checkLength()
}

func (r *csvReader) checkLength() error {
	if len(r.text)+len(r.ends)-1 > maxRow {
		return lineError(r.line, errRowTooLong)
	}
	return nil
}

func (r *csvReader) refuse(fault string) {
	if r.fault == nil {
		r.fault = errors.New(fault)
	}
}
