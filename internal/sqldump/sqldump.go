// Package sqldump reads the rows of one table from an SQL file: the output of pg_dump, mysqldump, mariadb-dump and sqlite3's
// .dump, and INSERT statements written by hand.
//
// It understands INSERT … VALUES and COPY … FROM stdin, and CREATE TABLE for the order of the columns, which a dump's INSERT
// does not repeat. Every other statement and everything about other tables is skipped. What a statement says about existing
// rows (IGNORE, REPLACE, ON CONFLICT, ON DUPLICATE KEY) is ignored: the caller decides that.
//
// Everything streams: one row is in memory at a time, and a row is at most 1 MiB long. A statement that can't be read (with
// an unknown column, with a SELECT, or without both a column list and a preceding CREATE TABLE) is reported as one row with
// an error.
package sqldump

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// maxRow is the maximum length of a row, in bytes, not counting comments and repeated white space.
const maxRow = 1 << 20

// Row is a row of the table.
type Row struct {
	Line   int     // where it starts, from 1
	Values []Value // the explicit values: not NULL, DEFAULT or the next id
	Err    error   // why the row can't be read
	Column string  // the column that Err is about; "" if it isn't about a single one
}

// Value is a string or an integer.
type Value struct{ Column, Text string }

// Reader reads the rows of one table.
type Reader struct {
	lexer
	table   string
	columns []string // the allowed columns

	created []string // the columns of the table, in the order of CREATE TABLE
	into    []string // the columns of the INSERT or COPY that is being read, nil between statements
	copying bool     // the current statement is a COPY
	refused error    // why the current statement can't be read

	found bool   // a statement with rows of the table was found
	other string // another table for which one was found
}

// NewReader returns a reader of the rows of a table. The first column is the id, which may be the next value of a sequence.
// Files may spell columns in any letter case. mysql selects the dialect of MySQL and MariaDB; otherwise it is PostgreSQL's,
// which SQLite's inserts follow too. The header of a dump takes precedence over mysql.
func NewReader(in *bufio.Reader, table string, columns []string, mysql bool) *Reader {
	switch head, _ := in.Peek(512); {
	case bytes.Contains(head, []byte("-- MariaDB dump")), bytes.Contains(head, []byte("-- MySQL dump")):
		mysql = true
	case bytes.Contains(head, []byte("-- PostgreSQL database dump")):
		mysql = false
	}
	r := &Reader{lexer: lexer{in: in, line: 1, mysql: mysql}, table: table, columns: columns}
	r.advance()
	return r
}

// Line returns the line of the error that stopped reading.
func (r *Reader) Line() int { return r.errAt }

// Next returns the next row, and io.EOF after the last. Any other error stops reading: a read error, an unterminated string
// or statement, or a row longer than 1 MiB.
func (r *Reader) Next() (Row, error) {
	for r.err == nil {
		row, complete := Row{Line: r.tok.line}, false
		switch {
		case r.copying:
			complete = r.copiedRow(&row)
		case r.into != nil:
			complete = r.insertedRow(&row)
		case r.tok.kind == end && (r.found || r.other == ""):
			return Row{}, io.EOF
		case r.tok.kind == end:
			r.fail(r.tok.line, fmt.Errorf("the file has rows of table %.60q and none of %s", r.other, r.table))
		default:
			r.statement()
		}
		if r.refused != nil {
			row, complete = Row{Line: row.Line, Err: r.refused}, true
			r.refused, r.into = nil, nil
		}
		if r.into == nil {
			r.skipStatement()
		}
		if complete && r.err == nil {
			return row, nil
		}
	}
	return Row{}, r.err
}

// statement reads the head of a statement. If the statement has rows of the table, it stops before the first one.
func (r *Reader) statement() {
	r.kept = r.kept[:0]
	switch {
	case r.isSymbol(`\`): // a psql command
		r.skipLine()
		r.tok = token{kind: symbol, text: ";"}
	case r.isWord("DELIMITER") && r.mysql:
		r.skipRoutines()
	case r.isWord("CREATE"):
		r.create()
	case r.isWord("COPY"):
		r.copy()
	case r.isWord("INSERT", "REPLACE"):
		r.insert()
	}
}

// skipStatement skips the rest of a statement, which may be of any length.
func (r *Reader) skipStatement() {
	r.skip = true
	for r.tok.kind != end && !r.isSymbol(";") {
		r.advance()
	}
	r.skip, r.kept = false, r.kept[:0]
	if r.isSymbol(";") {
		r.advance()
	}
}

// skipRoutines skips triggers and functions, which mariadb-dump writes between the lines DELIMITER ;; and DELIMITER ;.
func (r *Reader) skipRoutines() {
	line, ok := r.readLine()
	for delimiter := string(bytes.TrimSpace(line)); ok && delimiter != ";"; {
		line, ok = r.readLine()
		if command, argument, _ := strings.Cut(string(line), " "); strings.EqualFold(command, "DELIMITER") {
			delimiter = strings.TrimSpace(argument)
		}
	}
	r.tok = token{kind: symbol, text: ";"}
}

// create records the columns of a CREATE TABLE for the table. One that can't be read is skipped, like every other CREATE.
func (r *Reader) create() {
	r.advance()
	r.skipWords("GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "FOREIGN", "OR", "REPLACE")
	if !r.isWord("TABLE") {
		return
	}
	r.advance()
	r.skipWords("IF", "NOT", "EXISTS")
	if table := r.tableName(); strings.EqualFold(table, r.table) && r.isSymbol("(") {
		r.created = r.definitions()
	}
	r.refused = nil
}

var constraint = regexp.MustCompile(`(?i)^(PRIMARY|KEY|INDEX|UNIQUE|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|CHECK|EXCLUDE|LIKE|PERIOD)$`)

// definitions reads the parenthesized part of CREATE TABLE and returns the names of the columns.
func (r *Reader) definitions() (columns []string) {
	first, depth := true, 0
	for ; r.tok.kind != end && !r.isSymbol(";"); r.advance() {
		switch {
		case r.isSymbol("("):
			depth++
		case r.isSymbol(")"):
			depth--
		case r.isSymbol(","):
			first = depth == 1
		case first:
			first = false
			if r.tok.kind == name || r.tok.kind == word && !constraint.MatchString(r.tok.text) {
				columns = append(columns, r.tok.text)
			}
		}
		if depth == 0 {
			break
		}
	}
	return columns
}

// insert reads INSERT INTO table (columns) VALUES, up to the first row.
func (r *Reader) insert() {
	r.advance()
	r.skipWords("LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "IGNORE", "OR", "REPLACE")
	r.expect(r.isWord("INTO"), "INTO")
	columns := r.target("INSERT")
	if columns == nil {
		return
	}
	if r.isWord("OVERRIDING") { // SYSTEM VALUE, as pg_dump writes it for identity columns
		r.skipWords("OVERRIDING", "SYSTEM", "USER")
		r.advance()
	}
	if r.isWord("VALUES", "VALUE") {
		r.into = columns
		return
	}
	r.expect(false, "VALUES")
}

// insertedRow reads the next row of an INSERT; complete is false after the last.
func (r *Reader) insertedRow(row *Row) (complete bool) {
	if r.isSymbol(";") || r.tok.kind == end || r.isWord("ON", "AS", "RETURNING") {
		r.into = nil
		return false
	}
	if !r.expect(r.isSymbol(",") || r.isWord("VALUES", "VALUE"), "a comma or semicolon after the row") {
		return false
	}
	if !r.isSymbol("(") {
		return r.expect(false, "( before a row")
	}
	row.Line = r.tok.line
	r.kept = r.kept[:0]
	count := 0
	for more := true; more; count++ {
		r.advance()
		only, sql := r.value()
		if count < len(r.into) {
			r.take(row, r.into[count], only, sql)
		}
		more = r.isSymbol(",")
	}
	row.checkCount(count, len(r.into))
	r.kept = r.kept[:0]
	return r.expect(r.isSymbol(")"), ") after the row")
}

// value reads up to the comma or parenthesis after a value. It returns the SQL of the value, and its token if it consists of
// a single one.
func (r *Reader) value() (only token, sql []byte) {
	only = r.tok
	count, depth, to := 0, 0, r.tok.from
	for ; r.tok.kind != end && !r.isSymbol(";") && (depth > 0 || !r.isSymbol(",") && !r.isSymbol(")")); count++ {
		switch {
		case r.isSymbol("("):
			depth++
		case r.isSymbol(")"):
			depth--
		}
		to = r.tok.to
		r.advance()
	}
	sql = r.kept[only.from:to]
	if count != 1 {
		only = token{}
	}
	return only, sql
}

const (
	identifier = "(\"[^\"]*\"|`[^`]*`|[\\pL_][\\pL\\w]*)"
	sequence   = identifier + `( ?\. ?` + identifier + `)*`
)

var (
	integer = regexp.MustCompile(`^[+-]? ?[0-9]+$`)
	absent  = regexp.MustCompile(`(?i)^(NULL|DEFAULT)$`)
	nextID  = regexp.MustCompile(`(?i)^((pg_catalog ?\. ?)?nextval ?\( ?('[^']*'( ?:: ?regclass)?|` + sequence + `) ?\)|next value for ` + sequence + `)$`)
)

// take adds a value to the row, or sets the row's error.
func (r *Reader) take(row *Row, column string, only token, sql []byte) {
	switch {
	case only.kind == literal:
		row.Values = append(row.Values, Value{column, only.text})
	case integer.Match(sql):
		row.Values = append(row.Values, Value{column, strings.TrimLeft(strings.ReplaceAll(string(sql), " ", ""), "+")})
	case absent.Match(sql), column == r.columns[0] && nextID.Match(sql), row.Err != nil:
	default:
		row.Err, row.Column = fmt.Errorf("found %.60q", sql), column
	}
}

func (r *Row) checkCount(values, columns int) {
	if values == columns {
		return
	}
	plural := "s"
	if values == 1 {
		plural = ""
	}
	r.Err, r.Column = fmt.Errorf("%d value%s for %d columns", values, plural, columns), ""
}

// copy reads COPY table (columns) FROM stdin; up to its data lines. It skips the data lines of a COPY that is refused or for
// another table.
func (r *Reader) copy() {
	r.advance()
	if r.isSymbol("(") { // COPY (SELECT …) TO
		return
	}
	columns := r.target("COPY")
	fromStdin, plain := false, false
	for ; r.tok.kind != end && !r.isSymbol(";"); r.advance() {
		plain = r.isWord("STDIN") && !fromStdin
		fromStdin = fromStdin || plain
	}
	if r.tok.kind == end {
		r.fail(r.tok.line, errCopyEnds)
	}
	if fromStdin {
		r.skipLine()
	}
	switch {
	case columns != nil && plain:
		r.into, r.copying = columns, true
		return
	case columns != nil:
		r.refuse("COPY must be FROM stdin without options, as pg_dump writes it")
	}
	for more := fromStdin; more; {
		_, more = r.copiedLine()
	}
}

var errCopyEnds = errors.New("the file ends within a COPY, before its end marker")

// copiedLine reads a data line of a COPY; ok is false at the end marker.
func (r *Reader) copiedLine() (line []byte, ok bool) {
	from := r.line
	if line, ok = r.readLine(); !ok {
		r.fail(from, errCopyEnds)
	}
	return line, ok && string(line) != `\.`
}

// copiedRow reads a row of a COPY, in its text format: tabs between the values, \N for NULL, and escapes. Complete is false
// after the last.
func (r *Reader) copiedRow(row *Row) (complete bool) {
	row.Line = r.line
	line, ok := r.copiedLine()
	if !ok {
		r.into, r.copying = nil, false
		return false
	}
	var values []string
	start := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++ // an escaped tab is text
		case '\t':
			values = append(values, string(line[start:i]))
			start = i + 1
		}
	}
	values = append(values, string(line[start:]))
	row.checkCount(len(values), len(r.into))
	for i, v := range values {
		if i < len(r.into) && v != `\N` {
			row.Values = append(row.Values, Value{r.into[i], copyText.decode(v)})
		}
	}
	return true
}

// target reads the name of the table that rows are inserted into, and returns the columns: the statement's own, or else those
// of CREATE TABLE. It returns nil for another table and for a refused statement.
func (r *Reader) target(statement string) []string {
	table := r.tableName()
	switch {
	case r.refused != nil:
		return nil
	case !strings.EqualFold(table, r.table):
		r.other = table
		return nil
	}
	r.found = true
	names := r.created
	if r.isSymbol("(") {
		names = r.columnNames()
	} else if names == nil {
		r.refuse("%s has no column list, and no preceding CREATE TABLE defines its columns", statement)
	}
	var columns []string
	for _, name := range names {
		at := slices.IndexFunc(r.columns, func(column string) bool { return strings.EqualFold(column, name) })
		switch {
		case at < 0:
			r.refuse("unknown column %.60q; known columns: %s", name, strings.Join(r.columns, ", "))
		case slices.Contains(columns, r.columns[at]):
			r.refuse("duplicate column %s", r.columns[at])
		default:
			columns = append(columns, r.columns[at])
		}
	}
	if r.refused != nil {
		return nil
	}
	return columns
}

// tableName reads a table name, ignoring its schema.
func (r *Reader) tableName() string {
	table := r.name("a table")
	for r.isSymbol(".") {
		r.advance()
		table = r.name("a table")
	}
	return table
}

// columnNames reads column names in parentheses.
func (r *Reader) columnNames() (names []string) {
	for more := true; more && r.refused == nil; more = r.isSymbol(",") {
		r.advance()
		names = append(names, r.name("a column"))
	}
	r.expect(r.isSymbol(")"), "a comma or ) after a column")
	return names
}

func (r *Reader) name(what string) string {
	text := r.tok.text
	r.expect(r.tok.kind == word || r.tok.kind == name, what)
	return text
}

func (r *Reader) skipWords(words ...string) {
	for r.isWord(words...) {
		r.advance()
	}
}

func (r *Reader) isSymbol(text string) bool { return r.tok.kind == symbol && r.tok.text == text }

func (r *Reader) isWord(words ...string) bool {
	return r.tok.kind == word && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, r.tok.text) })
}

// expect advances to the next token if ok says that the current one is as expected. Otherwise it refuses the statement, or
// fails if the file ends here.
func (r *Reader) expect(ok bool, what string) bool {
	switch {
	case r.refused != nil:
	case ok:
		r.advance()
	case r.tok.kind == end:
		r.fail(r.tok.line, fmt.Errorf("the file ends within a statement; expected %s", what))
	default:
		r.refuse("expected %s, found %.60q", what, r.tok.text)
	}
	return ok
}

// refuse records why the statement can't be read, unless an earlier reason is recorded.
func (r *Reader) refuse(format string, args ...any) {
	if r.refused == nil {
		r.refused = fmt.Errorf(format, args...)
	}
}
