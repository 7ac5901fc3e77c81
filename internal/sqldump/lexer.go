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
	name                // a name in quotes, which the text lacks
	literal             // a string: its value
	symbol              // one byte
)

type token struct {
	kind     kind
	text     string
	line     int
	from, to int // where it is in lexer.kept
}

// lexer cuts a file into tokens. After an error every token is the end.
type lexer struct {
	in    *bufio.Reader
	line  int // of the next byte, from 1
	mysql bool
	tok   token // the current one
	err   error // what ended the file too early
	errAt int   // its line

	// kept is the text of a row or of the head of a statement, with each comment and run of white space as one blank. It
	// never grows beyond maxRow. What is skipped isn't kept.
	kept []byte
	skip bool
}

// fail ends the file with an error, unless one did before.
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
		l.fail(l.line, fmt.Errorf("a row of more than %d bytes", maxRow))
	default:
		l.kept = append(l.kept, b)
	}
}

// peek returns up to n bytes ahead: fewer before the end and before an error, which next will find.
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
		l.fail(l.line, errors.New("a NUL byte: this isn't a text file in UTF-8"))
	default:
		l.tok.kind, l.tok.text = symbol, string(rune(first))
		if first == '$' && !l.mysql {
			l.dollarQuoted()
		}
	}
}

// word reads a word, or the string that it is the prefix of: E'…' in PostgreSQL, N'…', and in MySQL a character set, as in
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

var errNoEnd = errors.New("what begins with a quote here doesn't end")

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

// dollarQuoted reads the rest of $$…$$ or $tag$…$tag$, the body of a function. No value may be one.
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

// skipBlank skips a blank or a comment, if there is one. In MySQL, -- starts a comment only with a blank after it.
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

// skipComment skips a comment. PostgreSQL's nest, MySQL's don't.
func (l *lexer) skipComment() {
	start, depth := l.line, 0
	for {
		b, ok := l.next()
		switch {
		case !ok:
			l.fail(start, errors.New("a comment that doesn't end"))
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

// readLine returns the rest of the line without its end; ok is false at the end of the file. No dump has a carriage return
// that isn't part of a line's end.
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

// isWord counts every byte beyond ASCII as a letter, as PostgreSQL and MySQL do.
func isWord(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_' || b >= 0x80
}
