package exchange

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// sqlReader reads the rows of one table from SQL: from the files of the Quarkus application, from the output of
// pg_dump, mysqldump, mariadb-dump and sqlite3's .dump, and from INSERT statements in the same style. It is not a
// general SQL parser.
//
// sqlReader understands INSERT … VALUES and COPY … FROM stdin. If they have no column list, the columns are those of
// CREATE TABLE. A value is a string, an integer, NULL, DEFAULT, or nextval('…') for the id. Other statements and
// statements about other tables are skipped. Clauses about existing rows (IGNORE, REPLACE, ON CONFLICT, ON DUPLICATE
// KEY) are ignored, because the caller decides how to handle existing rows. A statement about the table that can't be
// parsed is reported as one row with an error.
type sqlReader[T any] struct {
	sqlScanner
	schema Schema[T]
	yield  func(Row[T], error) bool

	created []string // columns of the table, in the order of CREATE TABLE
	copying bool     // the next lines are the data of a COPY
	start   int      // first line of the current statement or row

	found bool   // a statement with rows of the table was found
	other string // name of another table whose rows the file contains
}

// pattern returns a function that compiles a regular expression when it is first called: compiling all of them at startup
// would be a tenth of the instructions of a start, which usually reads no SQL.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// dumpHeader matches the line of a dump that names its dialect.
var dumpHeader = pattern(`-- (MariaDB|MySQL|PostgreSQL database) dump`)

func newSQLReader[T any](r io.Reader, s Schema[T], yield func(Row[T], error) bool) *sqlReader[T] {
	in, mysql := newInput(r), s.MySQL
	head, _ := in.Peek(512)
	if found := dumpHeader().FindSubmatch(head); found != nil {
		mysql = found[1][0] == 'M'
	}
	return &sqlReader[T]{sqlScanner: sqlScanner{in: in, line: 1, mysql: mysql, stop: ';'}, schema: s, yield: yield}
}

func (r *sqlReader[T]) read() {
	for r.statement() {
	}
}

// The methods below panic with a refusal if a statement can't be parsed, but reading can continue with the next
// statement; with a *LineError if the rest of the file can't be read; and with stopped if the caller wants no more rows.
type (
	refusal struct{ error }
	stopped struct{}
)

// statement reads the next statement, and reports whether there may be more.
func (r *sqlReader[T]) statement() (more bool) {
	defer func() {
		switch cause := recover().(type) {
		case nil, stopped:
		case refusal:
			more = r.yield(Row[T]{Line: r.start, Err: lineError(r.start, cause.error)}, nil)
		case *LineError:
			r.yield(Row[T]{}, cause)
		default:
			panic(cause)
		}
	}()
	for r.copying { // rows of another table or of a COPY that was refused
		r.copiedLine()
	}
	r.skipStatement()
	if r.skipBlanks(); r.atEnd() {
		if r.other != "" && !r.found {
			r.fail(r.line, fmt.Errorf("the file has rows of table %.60q and none of %s", r.other, r.schema.Table))
		}
		return false
	}
	r.start, r.size = r.line, 0
	r.parse()
	return true
}

var (
	// beginning matches the beginning of statements that are not skipped.
	beginning = pattern(`(?i)^(\\|(DELIMITER|COPY|INSERT|REPLACE|CREATE (UNLOGGED |TEMPORARY )?TABLE)\b)`)

	createHead = pattern(`(?i)^CREATE (?:\w+ )?TABLE (?:IF NOT EXISTS )?` + tableName + `$`)
	copyHead   = pattern(`(?is)^COPY ` + tableName + ` ?(?:\(([^)]*)\))? ?FROM (.*)$`)
	insertHead = pattern(`(?is)^(?:INSERT|REPLACE)(?: \w+)*? INTO ` + tableName + `(.*)$`)
	valuesHead = pattern(`(?i)^(OVERRIDING \w+ VALUE )?VALUES?$`)
	afterRows  = pattern(`(?i)^((ON|AS|RETURNING)\b|$)`)
)

const tableName = "((?:\"[^\"]*\"|`[^`]*`|[\\pL_][\\pL\\w]*|\\.)+)"

// parse reads a statement that defines the table or has rows, and the beginning of any other.
func (r *sqlReader[T]) parse() {
	ahead, _ := r.in.Peek(32)
	switch strings.ToUpper(string(beginning().Find(ahead))) {
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
	for {
		r.size = 0
		line, ok := r.readLine(true)
		command, delimiter, _ := strings.Cut(line, " ")
		if !ok || strings.EqualFold(command, "DELIMITER") && strings.TrimSpace(delimiter) == ";" {
			return
		}
	}
}

// constraint matches the first word of a definition in CREATE TABLE that doesn't define a column.
var constraint = pattern(
	`(?i)^(PRIMARY|KEY|INDEX|UNIQUE|FULLTEXT|SPATIAL|CONSTRAINT|FOREIGN|CHECK|EXCLUDE|LIKE|PERIOD)$`)

// create records the columns of CREATE TABLE if it creates the table to read.
func (r *sqlReader[T]) create() {
	head := createHead().FindStringSubmatch(r.scan("("))
	if head == nil || !r.isOurs(head[1]) {
		return
	}
	r.created = nil
	for more := r.stop == '('; more; more = r.stop == ',' {
		column, _, _ := strings.Cut(r.scan(",)"), " ")
		if !constraint().MatchString(column) {
			r.created = append(r.created, unquoteName(column))
		}
	}
}

// insert reads INSERT INTO table (columns) VALUES with its rows.
func (r *sqlReader[T]) insert() {
	text := r.scan("(")
	head := insertHead().FindStringSubmatch(text)
	if head == nil {
		r.unexpected("INTO and a table", text)
	}
	if !r.isOurs(head[1]) {
		r.other = unquoteName(head[1])
		return
	}
	names, values := "", strings.TrimSpace(head[2])
	if values == "" && r.stop == '(' {
		names = r.scan(")")
		r.expect(')', "after the columns")
		values = r.scan("(")
	}
	columns := r.columns("INSERT", names)
	if !valuesHead().MatchString(values) {
		r.unexpected("VALUES", values)
	}
	for more := true; more; more = r.nextRow() {
		r.expect('(', "before a row")
		r.start, r.size = r.line, 0
		sql := []string{r.scan(",)")}
		for r.stop == ',' {
			sql = append(sql, r.scan(",)"))
		}
		r.expect(')', "after the row")
		r.row(columns, sql, r.setInserted)
	}
}

// nextRow reads up to the next row of an INSERT, and reports whether there is one.
func (r *sqlReader[T]) nextRow() bool {
	r.size = 0
	between := r.scan("(")
	if afterRows().MatchString(between) && (between != "" || r.stop != '(') {
		return false
	}
	r.start = r.line
	if between != "," {
		r.unexpected("a comma or semicolon after the row", between+string(r.stop))
	}
	return true
}

// row passes a row to the caller, after set has set each value.
func (r *sqlReader[T]) row(columns, values []string, set func(row *Row[T], column, value string)) {
	row := Row[T]{Line: r.start}
	for i, column := range columns[:min(len(columns), len(values))] {
		set(&row, column, values[i])
	}
	if len(values) != len(columns) {
		row.Err = lineError(row.Line, fmt.Errorf("%s for %d columns", counted(len(values), "value"), len(columns)))
	}
	if !r.yield(row, nil) {
		panic(stopped{})
	}
}

var (
	integer = pattern(`^[+-]?[0-9]+$`)
	absent  = pattern(`(?i)^(NULL|DEFAULT)$`)
	nextID  = pattern(`(?i)^nextval\('[^']*'(::regclass)?\)$`)
)

func (r *sqlReader[T]) setInserted(row *Row[T], column, sql string) {
	text, isText := r.unquoteText(sql)
	switch {
	case isText:
		r.schema.set(row, column, text)
	case integer().MatchString(sql):
		r.schema.set(row, column, strings.TrimPrefix(sql, "+"))
	case absent().MatchString(sql), column == r.schema.Columns[0] && nextID().MatchString(sql), row.Err != nil:
	default:
		row.Err = columnError(row.Line, column, fmt.Errorf("found %.60q", sql))
	}
}

var errCopyEnds = errors.New("the file ends within a COPY, before its end marker")

// copy reads COPY table (columns) FROM stdin; with its rows.
func (r *sqlReader[T]) copy() {
	head := copyHead().FindStringSubmatch(r.scan(";"))
	switch {
	case head == nil:
		return
	case r.stop != ';':
		r.fail(r.line, errCopyEnds)
	case strings.HasPrefix(strings.ToUpper(head[3]), "STDIN"):
		r.copying = true
		r.readLine(false)
	}
	if !r.isOurs(head[1]) {
		r.other = unquoteName(head[1])
		return
	}
	if !strings.EqualFold(head[3], "STDIN") {
		r.refuse("COPY must be FROM stdin without options, as pg_dump writes it")
	}
	columns := r.columns("COPY", head[2])
	for line := r.copiedLine(); r.copying; line = r.copiedLine() {
		r.row(columns, strings.Split(line, "\t"), r.setCopied)
	}
}

// copiedLine reads a line of the data of a COPY. The line after the last row ends the data.
func (r *sqlReader[T]) copiedLine() string {
	r.start, r.size = r.line, 0
	line, ok := r.readLine(true)
	if !ok {
		r.fail(r.start, errCopyEnds)
	}
	r.copying = line != `\.`
	return line
}

// setCopied sets a value in the text format of COPY, which has no quotes.
func (r *sqlReader[T]) setCopied(row *Row[T], column, text string) {
	if text != `\N` {
		text, _ := decode(text, '\n', copyEscapes)
		r.schema.set(row, column, text)
	}
}

func (r *sqlReader[T]) isOurs(table string) bool {
	return strings.EqualFold(unquoteName(table), r.schema.Table)
}

// columns returns the columns of an INSERT or COPY: those in its column list, or else those of CREATE TABLE.
func (r *sqlReader[T]) columns(statement, list string) (columns []string) {
	r.found = true
	names := r.created
	if list != "" {
		names = strings.Split(list, ",")
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

// expect rejects the statement unless scan stopped at the given byte.
func (r *sqlReader[T]) expect(stop byte, where string) {
	if r.stop != stop {
		r.unexpected(string(stop)+" "+where, string(r.stop))
	}
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
