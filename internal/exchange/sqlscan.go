package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// sqlScanner splits SQL at given characters outside quotes, comments and parentheses. sqlScanner panics with a
// *LineError if the rest of the file can't be read.
type sqlScanner struct {
	in    *bufio.Reader
	line  int // line number of the next byte, starting at 1
	mysql bool

	stop byte   // the byte at which scan stopped; 0 at the end of the file
	text []byte // text that scan has kept so far
	size int    // number of bytes kept from the current row or statement header; more than maxRow is an error
	skip bool   // nothing is kept
}

func (s *sqlScanner) fail(line int, err error) { panic(lineError(line, err)) }

// scan reads up to a semicolon, or up to one of the characters in stops outside parentheses. scan returns the text
// before the character at which it stopped, with each comment and run of white space replaced by a single space.
func (s *sqlScanner) scan(stops string) string {
	s.text = s.text[:0]
	for depth := 0; ; {
		if s.skipBlanks() {
			s.keep(' ')
		}
		b, ok := s.next()
		if s.stop = b; !ok {
			return strings.TrimSpace(string(s.text))
		}
		text := s.text
		s.keep(b)
		if b == ';' || depth == 0 && strings.IndexByte(stops, b) >= 0 {
			return strings.TrimSpace(string(text))
		}
		switch b {
		case '(':
			depth++
		case ')':
			depth--
		case '\'', '"', '`':
			s.quoted(b)
		case '$':
			s.dollarQuoted()
		case 0:
			s.fail(s.line, errors.New("NUL byte: the file isn't UTF-8 text"))
		}
	}
}

// skipStatement skips the rest of a statement of any length.
func (s *sqlScanner) skipStatement() {
	s.skip = true
	for s.stop != ';' && !s.atEnd() {
		s.scan("")
	}
	s.skip = false
}

func (s *sqlScanner) atEnd() bool {
	_, err := s.in.Peek(1)
	return err == io.EOF
}

// next returns the next byte; ok is false at the end of the file.
func (s *sqlScanner) next() (b byte, ok bool) {
	b, err := s.in.ReadByte()
	if err != nil && err != io.EOF {
		panic(readError(s.line, err))
	}
	if b == '\n' {
		s.line++
	}
	return b, err == nil
}

// keep appends a byte to the text.
func (s *sqlScanner) keep(b byte) {
	if s.skip {
		return
	}
	if s.size++; s.size > maxRow {
		s.fail(s.line, errRowTooLong)
	}
	s.text = append(s.text, b)
}

// ahead reports whether the given text comes next.
func (s *sqlScanner) ahead(text string) bool {
	ahead, _ := s.in.Peek(len(text))
	return string(ahead) == text
}

// quoted keeps the rest of a quoted string or name, which may contain doubled quotes.
func (s *sqlScanner) quoted(quote byte) {
	start, escapes := s.line, s.mysql && quote != '`'
	for {
		switch b := s.keepNext(1, start); {
		case b == '\\' && escapes, b == quote && s.ahead(string(quote)):
			s.keepNext(1, start)
		case b == quote:
			return
		}
	}
}

// keepNext keeps n bytes of a quoted string that began on line start, and returns the last of them.
func (s *sqlScanner) keepNext(n, start int) (b byte) {
	for range n {
		var ok bool
		if b, ok = s.next(); !ok {
			s.fail(start, errors.New("unterminated quoted string"))
		}
		s.keep(b)
	}
	return b
}

var dollarTag = pattern(`^([\pL_][\pL\w]*)?\$`)

// dollarQuoted keeps the rest of a string of PostgreSQL quoted as $$…$$ or $tag$…$tag$, usually the body of a function.
// Such a string isn't accepted as a value.
func (s *sqlScanner) dollarQuoted() {
	start := s.line
	ahead, _ := s.in.Peek(64)
	tag := dollarTag().Find(ahead)
	if tag == nil || s.mysql {
		return
	}
	delimiter := "$" + string(tag)
	s.keepNext(len(tag), start)
	for !s.ahead(delimiter) {
		s.keepNext(1, start)
	}
	s.keepNext(len(delimiter), start)
}

// skipBlanks skips white space and comments, and reports whether it skipped any. In MySQL, -- starts a comment only
// if white space follows.
func (s *sqlScanner) skipBlanks() (skipped bool) {
	for ; ; skipped = true {
		ahead, _ := s.in.Peek(3)
		switch {
		case len(ahead) == 0:
			return skipped
		case isBlank(ahead[0]):
			s.next()
		case bytes.HasPrefix(ahead, []byte("--")) && (!s.mysql || len(ahead) == 2 || isBlank(ahead[2])),
			ahead[0] == '#' && s.mysql:
			s.readLine(false)
		case bytes.HasPrefix(ahead, []byte("/*")):
			s.skipComment()
		default:
			return skipped
		}
	}
}

func isBlank(b byte) bool { return strings.IndexByte(" \t\n\v\f\r", b) >= 0 }

// skipComment skips a comment. Comments nest in PostgreSQL, but not in MySQL.
func (s *sqlScanner) skipComment() {
	start, depth := s.line, 0
	for {
		b, ok := s.next()
		switch {
		case !ok:
			s.fail(start, errors.New("unterminated comment"))
		case b == '/' && s.ahead("*") && (depth == 0 || !s.mysql):
			s.next()
			depth++
		case b == '*' && s.ahead("/"):
			s.next()
			if depth--; depth == 0 {
				return
			}
		}
	}
}

// readLine returns the rest of the line without its line ending, or skips it if keep is false; ok is false at
// the end of the file. readLine drops all carriage returns, because dumps contain them only in line endings.
func (s *sqlScanner) readLine(keep bool) (line string, ok bool) {
	for start := len(s.text); ; {
		b, ok := s.next()
		switch {
		case !ok, b == '\n':
			line, s.text = string(s.text[start:]), s.text[:start]
			return line, ok || line != ""
		case keep && b != '\r':
			s.keep(b)
		}
	}
}

// unquoteName returns the last component of a qualified name, without quotes.
func unquoteName(name string) string {
	return strings.Trim(name[strings.LastIndexByte(name, '.')+1:], "\"` ")
}

// unquoteText returns the value of a string literal, and false for anything else. mariadb-dump writes _binary before
// some strings.
func (s *sqlScanner) unquoteText(sql string) (text string, ok bool) {
	quotes, escapes := "'", ""
	if s.mysql {
		quotes, escapes = `'"`, mysqlEscapes
		sql = strings.TrimPrefix(sql, "_binary ")
	}
	if sql == "" || strings.IndexByte(quotes, sql[0]) < 0 {
		return "", false
	}
	value, rest := decode(sql[1:], sql[0], escapes)
	return value, rest == sql[:1]
}

// decode decodes a string up to the closing quote. Two consecutive quotes stand for one.
func decode(text string, quote byte, escapes string) (value, rest string) {
	var decoded []byte
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '\\' && escapes != "" && i+1 < len(text):
			i++
			decoded = unescape(decoded, text[i], escapes)
			continue
		case b == quote && !strings.HasPrefix(text[i+1:], text[i:i+1]):
			return string(decoded), text[i:]
		case b == quote:
			i++
		}
		decoded = append(decoded, text[i])
	}
	return string(decoded), ""
}

// Backslash escapes as pairs: the letter after the backslash, then the byte that the escape stands for.
const (
	mysqlEscapes = "0\x00b\bn\nr\rt\tZ\x1a"
	copyEscapes  = "b\bf\fn\nr\rt\tv\v\\\\" // the escapes that PostgreSQL writes in a COPY
)

// unescape appends the byte that the letter after a backslash stands for. A letter that isn't listed stands for
// itself in MySQL, and makes the text invalid in a COPY.
func unescape(decoded []byte, letter byte, escapes string) []byte {
	at := strings.IndexByte(escapes, letter)
	switch {
	case at >= 0 && at%2 == 0:
		letter = escapes[at+1]
	case escapes == copyEscapes:
		letter = 0xFF
	case letter == '%', letter == '_': // escapes for LIKE, which keep the backslash
		decoded = append(decoded, '\\')
	}
	return append(decoded, letter)
}
