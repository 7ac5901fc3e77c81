package exchange

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// row reads a row, from its opening parenthesis to behind the closing one.
func (r *sqlReader) row() (record, error) {
	rec := record{line: r.tok.line}
	r.lex.begin(r.tok.line)
	count, err := r.values(&rec)
	if err != nil {
		return rec, err
	}
	if !r.isSymbol(")") {
		return r.brokenRow(rec)
	}
	if count != len(r.insert) {
		rec.err = wrongCount(rec.line, count, len(r.insert))
	}
	r.lex.begin(r.tok.line)
	return rec, r.advance()
}

func wrongCount(line, values, columns int) error {
	return lineError(line, fmt.Errorf("%s for %d columns", counted(values, "value"), columns))
}

// values reads a row's values into the record and counts them.
func (r *sqlReader) values(rec *record) (count int, err error) {
	for open := true; open; count++ {
		if err := r.advance(); err != nil {
			return count, err
		}
		v, err := r.value()
		if err != nil {
			return count, err
		}
		if count < len(r.insert) {
			r.take(rec, r.insert[count], v)
		}
		open = r.isSymbol(",")
	}
	return count, nil
}

// brokenRow refuses a row whose statement ends before it does.
func (r *sqlReader) brokenRow(rec record) (record, error) {
	err := r.unexpected("the ) of the row")
	if refused := (refusal{}); errors.As(err, &refused) {
		r.insert = nil
		rec.err = lineError(rec.line, refused.error)
		return rec, r.skipStatement()
	}
	return rec, err
}

// take adds a value to the record, or the reason why the row can't be taken.
func (r *sqlReader) take(rec *record, column string, v sqlValue) {
	switch {
	case rec.err != nil:
	case v.kind == given:
		rec.values = append(rec.values, value{column, v.text})
	case v.kind == unreadable, v.kind == nextID && column != r.columns[0]:
		rec.err = columnError(rec.line, column, fmt.Errorf("found %q", v.text))
	}
}

type valueKind int

const (
	unreadable valueKind = iota
	given                // a string or an integer
	absent               // NULL or DEFAULT
	nextID               // the next value of a sequence
)

// sqlValue is a value of a row: its text if it is given, else the beginning of its SQL.
type sqlValue struct {
	kind valueKind
	text string
}

// longestValue is the number of tokens in pg_catalog.nextval('hero_seq'::regclass) and a few more.
const longestValue = 12

// value reads up to the comma or parenthesis behind a value.
func (r *sqlReader) value() (sqlValue, error) {
	var tokens [longestValue]token
	count, depth := 0, 0
	from, to := r.tok.from, r.tok.from
	for ; !r.endsValue(depth); count++ {
		switch {
		case r.isSymbol("("):
			depth++
		case r.isSymbol(")"):
			depth--
		}
		if count < longestValue {
			tokens[count] = r.tok
		}
		to = r.tok.to
		if err := r.advance(); err != nil {
			return sqlValue{}, err
		}
	}
	sql := r.lex.kept[from:to]
	if count > longestValue {
		return sqlValue{unreadable, shorten(sql)}, nil
	}
	return interpret(tokens[:count], sql), nil
}

func (r *sqlReader) endsValue(depth int) bool {
	if r.tok.kind == endOfFile || r.isSymbol(";") {
		return true
	}
	return depth == 0 && (r.isSymbol(",") || r.isSymbol(")"))
}

// interpret returns what a value's tokens mean.
func interpret(tokens []token, sql []byte) sqlValue {
	switch {
	case len(tokens) == 1 && tokens[0].kind == literal:
		return sqlValue{given, tokens[0].text}
	case len(tokens) == 2 && isCharset(tokens[0].text) && tokens[1].kind == literal: // mariadb-dump writes _binary 'text'
		return sqlValue{given, tokens[1].text}
	case len(tokens) == 1 && tokens[0].isInteger():
		return sqlValue{given, tokens[0].text}
	case len(tokens) == 2 && tokens[0].isSign() && tokens[1].isInteger():
		return sqlValue{given, strings.TrimPrefix(tokens[0].text+tokens[1].text, "+")}
	case len(tokens) == 1 && (tokens[0].isWord("NULL") || tokens[0].isWord("DEFAULT")):
		return sqlValue{absent, shorten(sql)}
	case isNextID(tokens):
		return sqlValue{nextID, shorten(sql)}
	}
	return sqlValue{unreadable, shorten(sql)}
}

// isCharset reports whether a word before a string says in MySQL how its bytes are to be taken: as they are.
func isCharset(word string) bool {
	return slices.Contains([]string{"_binary", "_utf8mb4", "_utf8mb3", "_utf8"}, strings.ToLower(word))
}

func (t token) isInteger() bool {
	return t.kind == number && strings.Trim(t.text, "0123456789") == ""
}

func (t token) isSign() bool { return t.isSymbol("-") || t.isSymbol("+") }

// isNextID knows nextval('hero_seq'), nextval('hero_seq'::regclass), NEXTVAL(hero_seq) and
// NEXT VALUE FOR hero_seq.
func isNextID(tokens []token) bool {
	if len(tokens) > 2 && tokens[0].isWord("pg_catalog") && tokens[1].isSymbol(".") {
		tokens = tokens[2:]
	}
	last := len(tokens) - 1
	switch {
	case last < 3:
		return false
	case tokens[0].isWord("nextval") && tokens[1].isSymbol("(") && tokens[last].isSymbol(")"):
		return isSequence(tokens[2:last])
	}
	return tokens[0].isWord("next") && tokens[1].isWord("value") && tokens[2].isWord("for") && isName(tokens[3:])
}

func isSequence(tokens []token) bool {
	if n := len(tokens) - 2; n > 0 && tokens[n].isSymbol("::") && tokens[n+1].isWord("regclass") {
		tokens = tokens[:n]
	}
	return len(tokens) == 1 && tokens[0].kind == literal || isName(tokens)
}

// isName tells whether the tokens are a name, possibly with its schema.
func isName(tokens []token) bool {
	for i, t := range tokens {
		dot := i%2 == 1
		if dot != t.isSymbol(".") || !dot && t.kind != word && t.kind != quotedName {
			return false
		}
	}
	return len(tokens)%2 == 1
}

// shorten returns the beginning of an SQL text, for messages.
func shorten(sql []byte) string {
	const longest = 40
	if len(sql) <= longest {
		return string(sql)
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(sql[cut]) {
		cut--
	}
	return string(sql[:cut]) + "…"
}
