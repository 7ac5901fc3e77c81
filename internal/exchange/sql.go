package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// sqlReader reads the rows of one table from INSERT … VALUES and COPY … FROM stdin, and skips every other statement and
// all that is about another table.
//
// What a statement says about rows that are there already (IGNORE, REPLACE, ON CONFLICT,
// ON DUPLICATE KEY) is ignored, since whoever takes the rows decides that. A statement that can't
// be read at all is one refused row: one with an unknown column, one that selects, one without a
// column list where no CREATE TABLE before it has one.
type sqlReader struct {
	lex     *sqlLexer
	table   string
	columns []string // of the schema

	tok     token    // the next one, not yet consumed
	begun   bool     // tok is read
	created []string // the columns of the table, as CREATE TABLE names them
	insert  []string // the columns of the INSERT that is being read, nil between statements
	copied  []string // the columns of the COPY whose lines are being read, nil otherwise
	line    []byte   // of a COPY

	found bool   // the table has a statement with rows
	other string // another table that has one
}

func newSQLReader(r io.Reader, table string, columns []string, mysql bool) *sqlReader {
	src := newSource(r)
	switch head := src.peek(512); {
	case bytes.Contains(head, []byte("-- MariaDB dump")), bytes.Contains(head, []byte("-- MySQL dump")):
		mysql = true
	case bytes.Contains(head, []byte("-- PostgreSQL database dump")):
		mysql = false
	}
	return &sqlReader{lex: &sqlLexer{src: src, mysql: mysql}, table: table, columns: columns}
}

// refusal is an error that reading goes on after.
type refusal struct{ error }

func (r *sqlReader) next() (record, error) {
	for {
		if r.copied == nil {
			line, err := r.seekRow()
			if refused := (refusal{}); errors.As(err, &refused) {
				r.insert = nil
				return record{line: line, err: lineError(line, refused.error)}, r.skipStatement()
			}
			if err != nil {
				return record{}, err
			}
		}
		if r.copied == nil {
			return r.row()
		}
		rec, more, err := r.copiedRow()
		if more || err != nil {
			return rec, err
		}
		r.copied = nil
		if err := r.advance(); err != nil {
			return record{}, err
		}
	}
}

// seekRow goes on to the parenthesis that opens the next row, or to the first line of a COPY. The line is where the
// statement begins if that is refused.
func (r *sqlReader) seekRow() (line int, err error) {
	if !r.begun {
		r.begun = true
		if err := r.advance(); err != nil {
			return 0, err
		}
	}
	if r.insert != nil {
		line = r.tok.line
		another, err := r.separator()
		if another || err != nil {
			return line, err
		}
	}
	for r.tok.kind != endOfFile {
		line = r.tok.line
		hasRows, err := r.statement()
		if hasRows || err != nil {
			return line, err
		}
	}
	if !r.found && r.other != "" {
		return 0, lineError(r.tok.line, fmt.Errorf("the file has rows of table %.60q and none of %s", r.other, r.table))
	}
	return 0, io.EOF
}

// separator reads what is behind a row, and tells whether it is another one.
func (r *sqlReader) separator() (bool, error) {
	switch {
	case r.isSymbol(","):
		if err := r.advance(); err != nil {
			return false, err
		}
		return true, r.rowBegins()
	case r.isSymbol(";"), r.tok.kind == endOfFile, r.isWord("ON", "AS", "RETURNING"):
		r.insert = nil
		return false, r.skipStatement()
	}
	return false, r.unexpected("a comma or semicolon behind the row")
}

func (r *sqlReader) rowBegins() error {
	if !r.isSymbol("(") {
		return r.unexpected("the ( of a row")
	}
	return nil
}

// statement reads a statement; if it has rows of the table, up to the first.
func (r *sqlReader) statement() (hasRows bool, err error) {
	r.lex.begin(r.tok.line)
	switch {
	case r.isSymbol(`\`):
		return false, r.skipPsqlCommand()
	case r.isWord("DELIMITER") && r.lex.mysql:
		return false, r.skipRoutines()
	case r.isWord("CREATE"):
		return false, r.create()
	case r.isWord("COPY"):
		r.copied, err = r.copyHead()
	case r.isWord("INSERT", "REPLACE"):
		r.insert, err = r.head()
	default:
		err = errOtherTable
	}
	if errors.Is(err, errOtherTable) {
		return false, r.skipStatement()
	}
	return err == nil, err
}

// skipStatement skips the rest of a statement. It may be of any length.
func (r *sqlReader) skipStatement() error {
	if err := r.toSemicolon(); err != nil || r.tok.kind == endOfFile {
		return err
	}
	return r.advance()
}

// toSemicolon skips the rest of a statement but for its semicolon.
func (r *sqlReader) toSemicolon() error {
	r.lex.discard = true
	for r.tok.kind != endOfFile && !r.isSymbol(";") {
		if err := r.advance(); err != nil {
			return err
		}
	}
	r.lex.discard = false
	r.lex.begin(r.tok.line)
	return nil
}

// skipPsqlCommand skips a line of pg_dump's that begins with a backslash.
func (r *sqlReader) skipPsqlCommand() error {
	if err := r.lex.skipLine(); err != nil {
		return err
	}
	return r.advance()
}

// head reads INSERT INTO table (columns) VALUES, and leaves the first row's parenthesis.
func (r *sqlReader) head() ([]string, error) {
	if err := r.into(); err != nil {
		return nil, err
	}
	if err := r.intoTable(); err != nil {
		return nil, err
	}
	columns, err := r.columnList("an INSERT")
	if err != nil {
		return nil, err
	}
	if err := r.overriding(); err != nil {
		return nil, err
	}
	if !r.isWord("VALUES", "VALUE") {
		return nil, r.unexpected("VALUES")
	}
	if err := r.advance(); err != nil {
		return nil, err
	}
	return columns, r.rowBegins()
}

func (r *sqlReader) into() error {
	if err := r.advance(); err != nil {
		return err
	}
	if err := r.optional("LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "IGNORE", "OR", "REPLACE"); err != nil {
		return err
	}
	if !r.isWord("INTO") {
		return r.unexpected("INTO")
	}
	return r.advance()
}

// overriding skips the OVERRIDING SYSTEM VALUE that pg_dump writes for identity columns.
func (r *sqlReader) overriding() error {
	if !r.isWord("OVERRIDING") {
		return nil
	}
	if err := r.optional("OVERRIDING", "SYSTEM", "USER"); err != nil {
		return err
	}
	return r.advance()
}

// optional skips words.
func (r *sqlReader) optional(words ...string) error {
	for r.isWord(words...) {
		if err := r.advance(); err != nil {
			return err
		}
	}
	return nil
}

// errOtherTable says that a statement has no rows of the table.
var errOtherTable = errors.New("another table")

// intoTable reads the name of a table that rows are put into, whatever schema it is in.
func (r *sqlReader) intoTable() error {
	name, err := r.tableName()
	switch {
	case err != nil:
		return err
	case strings.EqualFold(name, r.table):
		r.found = true
		return nil
	}
	r.other = name
	return errOtherTable
}

// tableName reads a name without its schema.
func (r *sqlReader) tableName() (string, error) {
	for {
		name, err := r.name("a table")
		if err != nil || !r.isSymbol(".") {
			return name, err
		}
		if err := r.advance(); err != nil {
			return "", err
		}
	}
}

// columnList reads the columns that a statement names, or returns those of the table where it names none.
func (r *sqlReader) columnList(statement string) ([]string, error) {
	if r.isSymbol("(") {
		names, err := r.columnNames()
		if err != nil {
			return nil, err
		}
		return r.known(names)
	}
	if r.created == nil {
		return nil, refusal{errors.New(statement + " without a list of columns, and no CREATE TABLE before it says what its values are")}
	}
	return r.known(r.created)
}

// columnNames reads the names in parentheses.
func (r *sqlReader) columnNames() ([]string, error) {
	var names []string
	for {
		if err := r.advance(); err != nil {
			return nil, err
		}
		name, err := r.name("a column")
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if r.isSymbol(")") {
			return names, r.advance()
		}
		if !r.isSymbol(",") {
			return nil, r.unexpected("a comma or ) behind a column")
		}
	}
}

// known returns the columns in the schema's spelling.
func (r *sqlReader) known(names []string) ([]string, error) {
	columns := make([]string, len(names))
	for i, name := range names {
		column, known := canonical(r.columns, name)
		if !known {
			return nil, refusal{fmt.Errorf("an unknown column %.60q; known are %s", name, strings.Join(r.columns, ", "))}
		}
		if slices.Contains(columns, column) {
			return nil, refusal{fmt.Errorf("column %s is there twice", column)}
		}
		columns[i] = column
	}
	return columns, nil
}

func (r *sqlReader) name(what string) (string, error) {
	if r.tok.kind != word && r.tok.kind != quotedName {
		return "", r.unexpected(what)
	}
	name := r.tok.text
	return name, r.advance()
}

func (r *sqlReader) advance() (err error) {
	r.tok, err = r.lex.next()
	return err
}

func (r *sqlReader) isSymbol(text string) bool { return r.tok.isSymbol(text) }

func (r *sqlReader) isWord(words ...string) bool {
	return slices.ContainsFunc(words, r.tok.isWord)
}

func (t token) isSymbol(text string) bool { return t.kind == symbol && t.text == text }

func (t token) isWord(text string) bool { return t.kind == word && strings.EqualFold(t.text, text) }

// unexpected refuses the statement, or ends the file if that breaks off here.
func (r *sqlReader) unexpected(wanted string) error {
	if r.tok.kind == endOfFile {
		return lineError(r.tok.line, fmt.Errorf("the file ends within a statement, where %s should be", wanted))
	}
	return refusal{fmt.Errorf("%s should be where %.60q is", wanted, r.tok.text)}
}
