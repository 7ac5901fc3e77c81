package exchange

import (
	"errors"
	"io"
	"strings"
)

// create reads CREATE TABLE for the order of the columns, which a dump's INSERT does not repeat. Any other CREATE, or one of
// another table, is skipped.
func (r *sqlReader) create() error {
	err := r.advance()
	if err == nil {
		err = r.optional("OR", "REPLACE", "GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "FOREIGN")
	}
	if err == nil && r.isWord("TABLE") {
		err = r.createTable()
	}
	if refused := (refusal{}); err != nil && !errors.As(err, &refused) {
		return err
	}
	return r.skipStatement()
}

func (r *sqlReader) createTable() error {
	if err := r.advance(); err != nil {
		return err
	}
	if err := r.optional("IF", "NOT", "EXISTS"); err != nil {
		return err
	}
	name, err := r.tableName()
	if err != nil || !strings.EqualFold(name, r.table) || !r.isSymbol("(") {
		return err
	}
	columns, err := r.definitions()
	if err == nil {
		r.created = columns
	}
	return err
}

// definitions reads the parentheses of CREATE TABLE and returns the names of the columns.
func (r *sqlReader) definitions() (columns []string, err error) {
	for first, depth := true, 0; r.tok.kind != endOfFile && !r.isSymbol(";"); {
		switch {
		case r.isSymbol("("):
			depth++
		case r.isSymbol(")"):
			depth--
		case r.isSymbol(","):
			first = first || depth == 1
		case first && depth == 1:
			first = false
			if r.tok.kind == quotedName || r.tok.kind == word && !r.isWord(tableConstraints()...) {
				columns = append(columns, r.tok.text)
			}
		}
		if depth == 0 {
			break
		}
		if err := r.advance(); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// tableConstraints are the words that begin a definition in CREATE TABLE which is not that of a column.
func tableConstraints() []string {
	return []string{"PRIMARY", "KEY", "INDEX", "UNIQUE", "FULLTEXT", "SPATIAL", "CONSTRAINT", "FOREIGN", "CHECK", "EXCLUDE", "LIKE", "PERIOD"}
}

// skipRoutines skips triggers and functions, which mariadb-dump puts between DELIMITER ;; and DELIMITER ; in lines of
// their own.
func (r *sqlReader) skipRoutines() error {
	const command = "DELIMITER "
	line, err := r.lex.src.readLine(nil)
	for delimiter := strings.TrimSpace(string(line)); err == nil && delimiter != ";"; {
		line, err = r.lex.src.readLine(line[:0])
		if len(line) > len(command) && strings.EqualFold(string(line[:len(command)]), command) {
			delimiter = strings.TrimSpace(string(line[len(command):]))
		}
	}
	if err == nil || err == io.EOF {
		return r.advance()
	}
	return err
}

// copyHead reads COPY table (columns) FROM stdin; up to its lines, and returns the columns. The lines of one that is refused,
// or of another table, are skipped.
func (r *sqlReader) copyHead() ([]string, error) {
	if err := r.advance(); err != nil {
		return nil, err
	}
	if r.isSymbol("(") {
		return nil, errOtherTable // COPY (SELECT …) TO has no rows
	}
	var columns []string
	err := r.intoTable()
	if err == nil {
		columns, err = r.columnList("a COPY")
	}
	if refused := (refusal{}); err != nil && !errors.As(err, &refused) && !errors.Is(err, errOtherTable) {
		return nil, err
	}
	hasLines, plain, sourceErr := r.copySource()
	if sourceErr != nil {
		return nil, sourceErr
	}
	if err == nil && plain {
		return columns, nil
	}
	if err == nil {
		err = refusal{errors.New("a COPY that isn't just FROM stdin, as pg_dump writes it")}
	}
	for more := hasLines; more; {
		if _, more, sourceErr = r.copiedLine(); sourceErr != nil {
			return nil, sourceErr
		}
	}
	return nil, err
}

// copySource reads a COPY up to its semicolon. It has lines when it is FROM stdin, and they are plain when no option says
// otherwise.
func (r *sqlReader) copySource() (hasLines, plain bool, err error) {
	for ; !r.isSymbol(";"); err = r.advance() {
		if err != nil {
			return false, false, err
		}
		if r.tok.kind == endOfFile {
			return false, false, lineError(r.tok.line, errCopyEnds)
		}
		plain = r.isWord("STDIN") && !hasLines
		hasLines = hasLines || plain
	}
	if err == nil && hasLines {
		err = r.lex.skipLine()
	}
	return hasLines, plain, err
}

var errCopyEnds = errors.New("the file ends within a COPY, before its end marker")

// copiedLine reads a line of a COPY; more is false for the \. after the last.
func (r *sqlReader) copiedLine() (line []byte, more bool, err error) {
	from := r.lex.src.line
	r.line, err = r.lex.src.readLine(r.line[:0])
	if err == io.EOF {
		return nil, false, lineError(from, errCopyEnds)
	}
	return r.line, string(r.line) != `\.`, err
}

// copiedRow reads a row of a COPY; more is false after the last.
func (r *sqlReader) copiedRow() (rec record, more bool, err error) {
	rec.line = r.lex.src.line
	line, more, err := r.copiedLine()
	if !more || err != nil {
		return rec, more, err
	}
	values := copiedValues(line)
	if len(values) != len(r.copied) {
		rec.err = wrongCount(rec.line, len(values), len(r.copied))
		return rec, true, nil
	}
	for i, v := range values {
		r.take(&rec, r.copied[i], v)
	}
	return rec, true, nil
}

// copiedValues returns the values of a line in COPY's text format: tabs between them, \N for NULL, and escapes.
func copiedValues(line []byte) []sqlValue {
	var values []sqlValue
	var text []byte
	start := 0
	end := func(at int) {
		v := sqlValue{given, string(text)}
		if string(line[start:at]) == `\N` {
			v = sqlValue{kind: absent}
		}
		values = append(values, v)
		text, start = text[:0], at+1
	}
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\t':
			end(i)
		case line[i] == '\\' && i+1 < len(line):
			char, length := copiedEscape(line[i+1:])
			text = append(text, char)
			i += length
		default:
			text = append(text, line[i])
		}
	}
	end(len(line))
	return values
}

// copiedEscape returns the byte that the characters after a backslash stand for, and how many of them belong to it.
func copiedEscape(text []byte) (char byte, length int) {
	const letters, controls = "bfnrtv", "\b\f\n\r\t\v"
	first := text[0]
	if i := strings.IndexByte(letters, first); i >= 0 {
		return controls[i], 1
	}
	digits, base, length := text[:min(3, len(text))], 8, 0
	if first == 'x' {
		digits, base, length = text[1:min(3, len(text))], 16, 1
	}
	none := length
	for _, b := range digits {
		digit := strings.IndexByte("0123456789abcdef", lower(b))
		if digit < 0 || digit >= base {
			break
		}
		char = char*byte(base) + byte(digit)
		length++
	}
	if length == none {
		return first, 1
	}
	return char, length
}
