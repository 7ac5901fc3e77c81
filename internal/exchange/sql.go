package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// sqlReader reads the rows of one table from SQL: from the files of the Quarkus application, from the output of
// pg_dump, mysqldump, mariadb-dump and sqlite3's .dump, and from INSERT statements in the same style. sqlReader is
// not a general SQL parser.
//
// sqlReader understands INSERT … VALUES and COPY … FROM stdin. If an INSERT has no column list, as in some dumps,
// sqlReader takes the order of columns from CREATE TABLE. A value is a string, an integer, NULL, DEFAULT, or
// nextval('…') for the id. Other statements and statements about other tables are skipped. Clauses about existing rows
// (IGNORE, REPLACE, ON CONFLICT, ON DUPLICATE KEY) are ignored, because the caller decides how to handle existing rows.
// A statement about the table that can't be parsed is reported as one row with an error.
type sqlReader[T any] struct {
	sqlScanner
	schema Schema[T]

	created []string // columns of the table, in the order of CREATE TABLE
	into    []string // columns of the INSERT or COPY being read, nil between statements
	copying bool     // whether the next lines are the data of a COPY; they are skipped if into is nil
	start   int      // first line of the current statement or row

	found bool   // whether a statement with rows of the table was found
	other string // name of another table whose rows the file contains
}

func newSQLReader[T any](r io.Reader, s Schema[T]) *sqlReader[T] {
	in := newInput(r)
	mysql := s.MySQL
	switch head, _ := in.Peek(512); {
	case bytes.Contains(head, []byte("-- MariaDB dump")), bytes.Contains(head, []byte("-- MySQL dump")):
		mysql = true
	case bytes.Contains(head, []byte("-- PostgreSQL database dump")):
		mysql = false
	}
	return &sqlReader[T]{sqlScanner: sqlScanner{in: in, line: 1, mysql: mysql, stop: ';'}, schema: s}
}

// refusal is the panic value of the methods below if a statement can't be parsed but reading can continue with the
// next statement. If the rest of the file can't be read, the methods panic with a *LineError instead.
type refusal struct{ error }

func (r *sqlReader[T]) next() (row Row[T], err error) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case refusal:
			row = Row[T]{Line: r.start, Err: lineError(r.start, cause.error)}
			r.into = nil
		case *LineError:
			err = cause
		default:
			panic(cause)
		}
	}()
	for complete := false; !complete; {
		r.size = 0
		switch {
		case r.copying:
			row, complete = r.copiedRow()
		case r.into != nil:
			row, complete = r.insertedRow()
		default:
			r.skipStatement()
			if r.skipBlanks(); r.atEnd() {
				return row, r.endOfFile()
			}
			r.statement()
		}
	}
	return row, nil
}

func (r *sqlReader[T]) endOfFile() error {
	if r.other != "" && !r.found {
		return lineError(r.line, fmt.Errorf("the file has rows of table %.60q and none of %s", r.other, r.schema.Table))
	}
	return io.EOF
}

var (
	// beginning matches the beginning of statements that are not skipped.
	beginning = regexp.MustCompile(`(?i)^(\\|(DELIMITER|COPY|INSERT|REPLACE|CREATE (UNLOGGED |TEMPORARY )?TABLE)\b)`)

	createHead = regexp.MustCompile(`(?i)^CREATE (?:\w+ )?TABLE (?:IF NOT EXISTS )?` + tableName + `$`)
	copyHead   = regexp.MustCompile(`(?is)^COPY ` + tableName + ` ?(?:\(([^)]*)\))? ?FROM (.*)$`)
	insertHead = regexp.MustCompile(`(?is)^(?:INSERT|REPLACE)(?: \w+)*? INTO ` + tableName + `(.*)$`)
	valuesHead = regexp.MustCompile(`(?i)^(OVERRIDING \w+ VALUE )?VALUES?$`)
	afterRows  = regexp.MustCompile(`(?i)^((ON|AS|RETURNING)\b|$)`)
)

const tableName = "((?:\"[^\"]*\"|`[^`]*`|[\\pL_][\\pL\\w]*|\\.)+)"

// statement reads a statement up to the first row of the table, or skips it if it has no such row.
func (r *sqlReader[T]) statement() {
	r.start = r.line
	ahead, _ := r.in.Peek(32)
	switch strings.ToUpper(string(beginning.Find(ahead))) {
	case "":
		r.stop = 0
	case `\`: // a command of psql
		r.readLine(false)
	case "DELIMITER":
		r.skipRoutines()
	case "COPY":
		r.copy()
	case "INSERT", "REPLACE":
		r.insert()
	default:
		r.create()
	}
}

// skipRoutines skips triggers and functions, which mariadb-dump writes between the lines DELIMITER ;; and DELIMITER ;.
func (r *sqlReader[T]) skipRoutines() {
	for ok := true; ok; {
		var line []byte
		r.size = 0
		line, ok = r.readLine(true)
		command, delimiter, _ := strings.Cut(string(line), " ")
		if strings.EqualFold(command, "DELIMITER") && strings.TrimSpace(delimiter) == ";" {
			return
		}
	}
}

// constraint matches the first word of a definition in CREATE TABLE that doesn't define a column.
var constraint = regexp.MustCompile(
	`(?i)^(PRIMARY|KEY|INDEX|UNIQUE|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|CHECK|EXCLUDE|LIKE|PERIOD)$`)

// create records the columns of CREATE TABLE if it creates the table to read.
func (r *sqlReader[T]) create() {
	head := createHead.FindStringSubmatch(r.scan("("))
	if head == nil || !r.isOurs(head[1]) {
		return
	}
	r.created = nil
	for more := r.stop == '('; more; more = r.stop == ',' {
		column, _, _ := strings.Cut(r.scan(",)"), " ")
		if !constraint.MatchString(column) {
			r.created = append(r.created, unquoteName(column))
		}
	}
}

// insert reads INSERT INTO table (columns) VALUES, up to the opening parenthesis of the first row.
func (r *sqlReader[T]) insert() {
	text := r.scan("(")
	head := insertHead.FindStringSubmatch(text)
	if head == nil {
		r.unexpected("INTO and a table", text)
	}
	if !r.isOurs(head[1]) {
		r.other = unquoteName(head[1])
		return
	}
	var names []string
	values := strings.TrimSpace(head[2])
	if values == "" && r.stop == '(' {
		names = strings.Split(r.scan(")"), ",")
		if r.stop != ')' {
			r.unexpected(") after the columns", string(r.stop))
		}
		values = r.scan("(")
	}
	columns := r.columns("INSERT", names)
	if !valuesHead.MatchString(values) {
		r.unexpected("VALUES", values)
	}
	if r.stop != '(' {
		r.unexpected("( before a row", string(r.stop))
	}
	r.into = columns
}

// insertedRow reads the next row of an INSERT; complete is false after the last row.
func (r *sqlReader[T]) insertedRow() (row Row[T], complete bool) {
	if r.stop == ')' { // the end of the previous row
		between := r.scan("(")
		if afterRows.MatchString(between) && (between != "" || r.stop != '(') {
			r.into = nil
			return row, false
		}
		r.start = r.line
		switch {
		case between != ",":
			r.unexpected("a comma or semicolon after the row", between+string(r.stop))
		case r.stop != '(':
			r.unexpected("( before a row", string(r.stop))
		}
	}
	r.start, r.size = r.line, 0
	row.Line = r.start
	count := 0
	for more := true; more; more = r.stop == ',' {
		sql := r.scan(",)")
		if count < len(r.into) {
			r.take(&row, r.into[count], sql)
		}
		count++
	}
	if r.stop != ')' {
		r.unexpected(") after the row", string(r.stop))
	}
	r.checkCount(&row, count)
	return row, true
}

var (
	integer = regexp.MustCompile(`^[+-]?[0-9]+$`)
	absent  = regexp.MustCompile(`(?i)^(NULL|DEFAULT)$`)
	nextID  = regexp.MustCompile(`(?i)^nextval\('[^']*'(::regclass)?\)$`)
)

// take sets the value of a column, or the row's error if the value can't be parsed.
func (r *sqlReader[T]) take(row *Row[T], column, sql string) {
	text, isText := r.unquoteText(sql)
	switch {
	case isText:
		r.schema.set(row, column, text)
	case integer.MatchString(sql):
		r.schema.set(row, column, strings.TrimPrefix(sql, "+"))
	case absent.MatchString(sql), column == r.schema.Columns[0] && nextID.MatchString(sql), row.Err != nil:
	default:
		row.Err = columnError(row.Line, column, fmt.Errorf("found %.60q", sql))
	}
}

func (r *sqlReader[T]) checkCount(row *Row[T], values int) {
	if values != len(r.into) {
		row.Err = lineError(row.Line, fmt.Errorf("%s for %d columns", counted(values, "value"), len(r.into)))
	}
}

var errCopyEnds = errors.New("the file ends within a COPY, before its end marker")

// copy reads COPY table (columns) FROM stdin; up to its data lines.
func (r *sqlReader[T]) copy() {
	head := copyHead.FindStringSubmatch(r.scan(";"))
	if head == nil {
		return
	}
	if r.stop != ';' {
		r.fail(r.line, errCopyEnds)
	}
	source := strings.ToUpper(head[3])
	if strings.HasPrefix(source, "STDIN") {
		r.copying = true
		r.readLine(false)
	}
	if !r.isOurs(head[1]) {
		r.other = unquoteName(head[1])
		return
	}
	if source != "STDIN" {
		r.refuse("COPY must be FROM stdin without options, as pg_dump writes it")
	}
	var names []string
	if head[2] != "" {
		names = strings.Split(head[2], ",")
	}
	r.into = r.columns("COPY", names)
}

// copiedRow reads a row of a COPY in text format: tabs between the values, \N for NULL, and escapes. complete is
// false after the last row.
func (r *sqlReader[T]) copiedRow() (row Row[T], complete bool) {
	row.Line = r.line
	line, ok := r.readLine(true)
	switch {
	case !ok:
		r.fail(row.Line, errCopyEnds)
	case string(line) == `\.`:
		r.into, r.copying = nil, false
		return row, false
	case r.into == nil:
		return row, false
	}
	values := strings.Split(string(line), "\t")
	for i, v := range values {
		if i < len(r.into) && v != `\N` {
			text, _ := decode(v, '\n', copyEscapes) // without quotes, since a line can't contain a line feed
			r.schema.set(&row, r.into[i], text)
		}
	}
	r.checkCount(&row, len(values))
	return row, true
}

func (r *sqlReader[T]) isOurs(table string) bool {
	return strings.EqualFold(unquoteName(table), r.schema.Table)
}

// columns returns the columns of an INSERT or COPY: those in its column list, or else those of CREATE TABLE.
func (r *sqlReader[T]) columns(statement string, names []string) (columns []string) {
	r.found = true
	if names == nil {
		names = r.created
	}
	if names == nil {
		r.refuse("%s has no column list, and no preceding CREATE TABLE defines its columns", statement)
	}
	known := r.schema.Columns
	for _, name := range names {
		name = unquoteName(name)
		at := slices.IndexFunc(known, func(column string) bool { return strings.EqualFold(column, name) })
		switch {
		case at < 0:
			r.refuse("unknown column %.60q; known columns: %s", name, strings.Join(known, ", "))
		case slices.Contains(columns, known[at]):
			r.refuse("duplicate column %s", known[at])
		}
		columns = append(columns, known[at])
	}
	return columns
}

// unexpected rejects the statement because of the text found, or fails if the file ends here.
func (r *sqlReader[T]) unexpected(wanted, found string) {
	if r.stop == 0 {
		r.fail(r.line, fmt.Errorf("the file ends within a statement; expected %s", wanted))
	}
	r.refuse("expected %s, found %.60q", wanted, found)
}

// refuse rejects the current statement with a reason.
func (r *sqlReader[T]) refuse(format string, args ...any) {
	panic(refusal{fmt.Errorf(format, args...)})
}
