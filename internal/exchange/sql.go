package exchange

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// sqlReader reads the rows of INSERT … VALUES statements and skips every other statement.
//
// What a statement says about rows that are there already (IGNORE, REPLACE, ON CONFLICT,
// ON DUPLICATE KEY) is ignored, since whoever takes the rows decides that. A statement that can't
// be read at all is one refused row: one into another table, one without a column list or with an
// unknown column, one that selects. COPY ends the file, as what follows it isn't SQL.
type sqlReader struct {
	lex     *sqlLexer
	table   string
	columns []string // of the schema

	tok    token    // the next one, not yet consumed
	begun  bool     // tok is read
	insert []string // the columns of the INSERT that is being read, nil between statements
}

func newSQLReader(r io.Reader, table string, columns []string, mysql bool) *sqlReader {
	return &sqlReader{lex: &sqlLexer{src: newSource(r), mysql: mysql}, table: table, columns: columns}
}

// refusal is an error that reading goes on after.
type refusal struct{ error }

func (r *sqlReader) next() (record, error) {
	line, err := r.seekRow()
	if refused := (refusal{}); errors.As(err, &refused) {
		r.insert = nil
		return record{line: line, err: lineError(line, refused.error)}, r.skipStatement()
	}
	if err != nil {
		return record{}, err
	}
	return r.row()
}

// seekRow goes on to the parenthesis that opens the next row. The line is where the statement
// begins if that is refused.
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
		inserts, err := r.statement()
		if inserts || err != nil {
			return line, err
		}
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

// statement reads a statement; if it inserts, up to its first row.
func (r *sqlReader) statement() (inserts bool, err error) {
	r.lex.begin(r.tok.line)
	switch {
	case r.isSymbol(`\`):
		return false, r.skipPsqlCommand()
	case r.isWord("COPY"):
		return false, lineError(r.tok.line, errors.New("COPY can't be read; pg_dump --column-inserts makes INSERT statements"))
	case !r.isWord("INSERT", "REPLACE"):
		return false, r.skipStatement()
	}
	r.insert, err = r.head()
	return err == nil, err
}

// skipStatement skips the rest of a statement. It may be of any length.
func (r *sqlReader) skipStatement() error {
	r.lex.discard = true
	for r.tok.kind != endOfFile && !r.isSymbol(";") {
		if err := r.advance(); err != nil {
			return err
		}
	}
	r.lex.discard = false
	if r.tok.kind == endOfFile {
		return nil
	}
	r.lex.begin(r.tok.line)
	return r.advance()
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
	if !r.isSymbol("(") {
		return nil, refusal{errors.New("an INSERT without a list of columns, so what its values are isn't known; " +
			"pg_dump --column-inserts and mysqldump --complete-insert write one")}
	}
	columns, err := r.columnList()
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

// intoTable reads the table's name, whatever schema it is in.
func (r *sqlReader) intoTable() error {
	for {
		name, err := r.name("a table")
		if err != nil {
			return err
		}
		if !r.isSymbol(".") {
			return r.checkTable(name)
		}
		if err := r.advance(); err != nil {
			return err
		}
	}
}

func (r *sqlReader) checkTable(name string) error {
	if !strings.EqualFold(name, r.table) {
		return refusal{fmt.Errorf("an INSERT into table %.60q instead of %s", name, r.table)}
	}
	return nil
}

func (r *sqlReader) columnList() ([]string, error) {
	var columns []string
	for {
		if err := r.advance(); err != nil {
			return nil, err
		}
		name, err := r.name("a column")
		if err != nil {
			return nil, err
		}
		column, known := canonical(r.columns, name)
		if !known {
			return nil, refusal{fmt.Errorf("an unknown column %.60q; known are %s", name, strings.Join(r.columns, ", "))}
		}
		if slices.Contains(columns, column) {
			return nil, refusal{fmt.Errorf("column %s is there twice", column)}
		}
		columns = append(columns, column)
		if r.isSymbol(")") {
			return columns, r.advance()
		}
		if !r.isSymbol(",") {
			return nil, r.unexpected("a comma or ) behind a column")
		}
	}
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
		return lineError(r.tok.line, fmt.Errorf("the file ends within an INSERT, where %s should be", wanted))
	}
	return refusal{fmt.Errorf("%s should be where %.60q is", wanted, r.tok.text)}
}
