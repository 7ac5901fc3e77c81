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

type kind int

const (
	end     kind = iota // of the file
	word                // a keyword, a number or a name without quotes, as written
	name                // a quoted name; text is without the quotes
	literal             // a string; text is its value
	symbol              // one byte
)

type token struct {
	kind     kind
	text     string
	line     int
	from, to int // its position in lexer.kept
}

// lexer splits a file into tokens. After an error, every token is end.
type lexer struct {
	in    *bufio.Reader
	line  int // of the next byte, from 1
	mysql bool
	tok   token // the current one
	err   error // the error that stopped reading
	errAt int   // its line

	// kept is the text of a row or of the head of a statement, with each comment and run of white space replaced by one
	// space. It never grows beyond maxRow. Skipped text isn't kept.
	kept []byte
	skip bool
}

// fail stops reading with an error, unless an earlier one already did.
func (l *lexer) fail(line int, err error) {
	if l.err == nil {
		l.err, l.errAt = err, line
	}
}

// next returns the next byte; ok is false at the end of the file and after an error.
func (l *lexer) next() (b byte, ok bool) {
	if l.err != nil {
		return 0, false
	}
	b, err := l.in.ReadByte()
	if err != nil && err != io.EOF {
		l.fail(l.line, fmt.Errorf("read: %w", err))
	}
	if b == '\n' {
		l.line++
	}
	return b, err == nil
}

// read returns the next byte and keeps it.
func (l *lexer) read() (b byte, ok bool) {
	if b, ok = l.next(); ok {
		l.keep(b)
	}
	return b, ok
}

func (l *lexer) keep(b byte) {
	switch {
	case l.skip:
	case len(l.kept) == maxRow:
		l.fail(l.line, fmt.Errorf("row longer than %d bytes", maxRow))
	default:
		l.kept = append(l.kept, b)
	}
}

// peek returns up to n bytes ahead. It returns fewer before the end and before an error, which next will report.
func (l *lexer) peek(n int) []byte {
	ahead, _ := l.in.Peek(n)
	return ahead
}

func (l *lexer) ahead(text string) bool { return string(l.peek(len(text))) == text }

// advance reads the next token.
func (l *lexer) advance() {
	l.skipBlanks()
	l.tok = token{line: l.line, from: len(l.kept)}
	if first, ok := l.read(); ok {
		l.token(first)
		l.tok.to = len(l.kept)
	}
	if l.err != nil {
		l.tok.kind = end
	}
}

// token reads the rest of the token that starts with first.
func (l *lexer) token(first byte) {
	switch {
	case first == '\'', first == '"' && l.mysql:
		l.quoted(literal, first, l.escapes())
	case first == '"', first == '`':
		l.quoted(name, first, none)
	case isWord(first):
		l.word(first)
	case first == 0:
		l.fail(l.line, errors.New("NUL byte: the file isn't UTF-8 text"))
	default:
		l.tok.kind, l.tok.text = symbol, string(rune(first))
		if first == '$' && !l.mysql {
			l.dollarQuoted()
		}
	}
}

// word reads a word, or the string that it prefixes: E'…' in PostgreSQL, N'…', and in MySQL a character set, such as
// _binary 'text', which mariadb-dump writes.
func (l *lexer) word(first byte) {
	for ahead := l.peek(1); len(ahead) > 0 && isWord(ahead[0]); ahead = l.peek(1) {
		if _, ok := l.read(); !ok {
			return
		}
		first = 0 // a longer word
	}
	l.tok.kind, l.tok.text = word, string(l.kept[l.tok.from:])
	switch first |= ' '; {
	case slices.Contains([]string{"_binary", "_utf8mb4", "_utf8mb3", "_utf8"}, strings.ToLower(l.tok.text)):
		l.advance()
	case first == 'e' && !l.mysql && l.ahead("'"):
		l.read()
		l.quoted(literal, '\'', posixString)
	case first == 'n' && l.ahead("'"):
		l.read()
		l.quoted(literal, '\'', l.escapes())
	}
}

func (l *lexer) escapes() escapes {
	if l.mysql {
		return mysqlString
	}
	return none
}

var errNoEnd = errors.New("unterminated quoted string")

// quoted reads up to the closing quote. A doubled quote is part of the text.
func (l *lexer) quoted(k kind, quote byte, e escapes) {
	l.tok.kind = k
	for from := len(l.kept); ; {
		b, ok := l.read()
		switch {
		case !ok:
			l.fail(l.tok.line, errNoEnd)
			return
		case b == '\\' && e != none, b == quote && l.ahead(string(quote)):
			l.read()
		case b == quote:
			if !l.skip && l.err == nil {
				text := string(l.kept[from : len(l.kept)-1])
				l.tok.text = e.decode(strings.ReplaceAll(text, string([]byte{quote, quote}), string(quote)))
			}
			return
		}
	}
}

var dollarTag = regexp.MustCompile(`^([\pL_][\pL\w]*)?\$`)

// dollarQuoted reads the rest of $$…$$ or $tag$…$tag$, the body of a function. It isn't accepted as a value.
func (l *lexer) dollarQuoted() {
	tag := dollarTag.Find(l.peek(64))
	if tag == nil {
		return
	}
	delimiter := "$" + string(tag)
	for range len(tag) {
		l.read()
	}
	for !l.ahead(delimiter) {
		if _, ok := l.read(); !ok {
			l.fail(l.tok.line, errNoEnd)
			return
		}
	}
	for range len(delimiter) {
		l.read()
	}
}

func (l *lexer) skipBlanks() {
	skipped := false
	for l.err == nil && l.skipBlank() {
		skipped = true
	}
	if skipped {
		l.keep(' ')
	}
}

// skipBlank skips one white space character or comment, and reports whether there was one. In MySQL, -- starts a comment
// only if white space follows.
func (l *lexer) skipBlank() bool {
	ahead := l.peek(3)
	switch {
	case len(ahead) == 0:
		return false
	case isBlank(ahead[0]):
		l.next()
	case bytes.HasPrefix(ahead, []byte("--")) && (!l.mysql || len(ahead) == 2 || isBlank(ahead[2])), ahead[0] == '#' && l.mysql:
		l.skipLine()
	case bytes.HasPrefix(ahead, []byte("/*")):
		l.skipComment()
	default:
		return false
	}
	return true
}

// skipComment skips a comment. Comments nest in PostgreSQL, but not in MySQL.
func (l *lexer) skipComment() {
	start, depth := l.line, 0
	for {
		b, ok := l.next()
		switch {
		case !ok:
			l.fail(start, errors.New("unterminated comment"))
			return
		case b == '/' && l.ahead("*") && (depth == 0 || !l.mysql):
			l.next()
			depth++
		case b == '*' && l.ahead("/"):
			l.next()
			if depth--; depth == 0 {
				return
			}
		}
	}
}

func (l *lexer) skipLine() {
	for b, ok := l.next(); ok && b != '\n'; {
		b, ok = l.next()
	}
}

// readLine returns the rest of the line without its line ending; ok is false at the end of the file. It drops all carriage
// returns, because in dumps they occur only in line endings.
func (l *lexer) readLine() (line []byte, ok bool) {
	l.kept = l.kept[:0]
	for {
		b, ok := l.next()
		switch {
		case !ok, b == '\n':
			return l.kept, ok || len(l.kept) > 0
		case b != '\r':
			l.keep(b)
		}
	}
}

func isBlank(b byte) bool { return b == ' ' || '\t' <= b && b <= '\r' }

// isWord treats every non-ASCII byte as a letter, as PostgreSQL and MySQL do.
func isWord(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_' || b >= 0x80
}
