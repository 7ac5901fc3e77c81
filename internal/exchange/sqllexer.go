package exchange

import (
	"bytes"
	"errors"
	"io"
)

type tokenKind int

const (
	endOfFile  tokenKind = iota
	word                 // a name or keyword without quotes, as written
	quotedName           // a name in quotes, which the text lacks
	literal              // a string: its value
	number               // begins with a digit, as written
	symbol               // one byte, or ::
)

type token struct {
	kind tokenKind
	text string
	line int
	from int // where it lies in sqlLexer.kept
	to   int
}

// sqlLexer cuts SQL into tokens. PostgreSQL's comments nest, MySQL's don't.
type sqlLexer struct {
	src   *source
	mysql bool

	// kept is the text since start, with every comment and run of white space as one blank.
	// Its length is limited; between rows nothing is kept.
	kept    []byte
	start   int // the line
	discard bool
	text    []byte // of the token being read
}

// begin forgets what was kept: a row or statement begins in the line.
func (l *sqlLexer) begin(line int) {
	l.kept = l.kept[:0]
	l.start = line
}

// keep appends to the text since start, unless it is being skipped.
func (l *sqlLexer) keep(b byte) error {
	if l.discard {
		return nil
	}
	if len(l.kept) >= maxRow {
		return lineError(l.start, errRowTooLong)
	}
	l.kept = append(l.kept, b)
	return nil
}

// next returns the next token, and the kind endOfFile behind the last.
func (l *sqlLexer) next() (token, error) {
	if err := l.skipBlanks(); err != nil {
		return token{}, err
	}
	t := token{line: l.src.line, from: len(l.kept)}
	l.text = l.text[:0]
	first, err := l.read()
	if err == io.EOF {
		return t, nil
	}
	if err == nil {
		t.kind, err = l.token(first)
	}
	if err == io.EOF {
		err = lineError(t.line, errors.New("what begins with a quote here doesn't end"))
	}
	t.text, t.to = string(l.text), len(l.kept)
	return t, err
}

// token reads what begins with the byte just read into text; io.EOF where it doesn't end.
func (l *sqlLexer) token(first byte) (tokenKind, error) {
	switch {
	case first == '\'', first == '"' && l.mysql:
		return literal, l.quoted(first, l.stringEscape())
	case first == '"', first == '`':
		return quotedName, l.quoted(first, nil)
	case first == '$' && !l.mysql:
		return symbol, l.dollarQuoted()
	case isDigit(first):
		return number, l.word(first, func(b byte) bool { return isWord(b) || b == '.' })
	case isWord(first):
		if err := l.word(first, isWord); err != nil {
			return word, err
		}
		return l.prefixed()
	case first == 0:
		return symbol, lineError(l.src.line, errors.New("a NUL byte: this isn't a text file in UTF-8"))
	}
	l.put(first)
	if first == ':' && l.src.ahead(":") {
		return symbol, l.take()
	}
	return symbol, nil
}

func (l *sqlLexer) stringEscape() escape {
	if l.mysql {
		return (*sqlLexer).mysqlEscape
	}
	return nil
}

// prefixed turns a word into a string where it is a prefix of one: E'…' in PostgreSQL, N'…', and
// _utf8mb4'…' in MySQL.
func (l *sqlLexer) prefixed() (tokenKind, error) {
	if !l.src.ahead("'") {
		return word, nil
	}
	escape := l.stringEscape()
	switch prefix := string(bytes.ToLower(l.text)); {
	case prefix == "n":
	case prefix == "e" && !l.mysql:
		escape = (*sqlLexer).posixEscape
	case l.mysql && isCharset(prefix):
	default:
		return word, nil
	}
	l.text = l.text[:0]
	if _, err := l.read(); err != nil {
		return literal, err
	}
	return literal, l.quoted('\'', escape)
}

// word reads on while the bytes belong to the token.
func (l *sqlLexer) word(first byte, belongs func(byte) bool) error {
	l.put(first)
	for {
		ahead := l.src.peek(1)
		if len(ahead) == 0 || !belongs(ahead[0]) {
			return nil
		}
		if err := l.take(); err != nil {
			return err
		}
	}
}

// quoted reads up to the closing quote; a doubled one is text.
func (l *sqlLexer) quoted(quote byte, escaped escape) error {
	for {
		b, err := l.read()
		if err != nil {
			return err
		}
		if b == '\\' && escaped != nil {
			if err := escaped(l); err != nil {
				return err
			}
			continue
		}
		if b == quote {
			if !l.src.ahead(string(quote)) {
				return nil
			}
			if _, err := l.read(); err != nil {
				return err
			}
		}
		l.put(b)
	}
}

// dollarQuoted skips the body of a function, $$…$$ or $tag$…$tag$, behind its first dollar.
// No value may be one, so its text is just $.
func (l *sqlLexer) dollarQuoted() error {
	l.put('$')
	const longestTag = 63
	tag, _, found := bytes.Cut(l.src.peek(longestTag+1), []byte("$"))
	if !found || !isTag(tag) {
		return nil
	}
	delimiter := "$" + string(tag) + "$"
	for range len(tag) + 1 {
		if _, err := l.read(); err != nil {
			return err
		}
	}
	for matched := 0; matched < len(delimiter); {
		b, err := l.read()
		switch {
		case err != nil:
			return err
		case b == delimiter[matched]:
			matched++
		case b == '$':
			matched = 1
		default:
			matched = 0
		}
	}
	return nil
}

// read reads a byte of a token.
func (l *sqlLexer) read() (byte, error) {
	b, err := l.src.next()
	if err != nil {
		return 0, err
	}
	return b, l.keep(b)
}

// put appends to the token's text. A skipped one has just its first byte, which tells symbols.
func (l *sqlLexer) put(text ...byte) {
	if !l.discard || len(l.text) == 0 {
		l.text = append(l.text, text...)
	}
}

// take reads a byte into the token's text.
func (l *sqlLexer) take() error {
	b, err := l.read()
	if err == nil {
		l.put(b)
	}
	return err
}

// skipBlanks skips white space and comments.
func (l *sqlLexer) skipBlanks() error {
	skipped := false
	for {
		ahead := l.src.peek(3)
		var err error
		switch {
		case len(ahead) > 0 && isBlank(ahead[0]):
			_, err = l.src.next()
		case l.lineComment(ahead):
			err = l.skipLine()
		case bytes.HasPrefix(ahead, []byte("/*")):
			err = l.skipComment()
		case skipped:
			return l.keep(' ')
		default:
			return nil
		}
		if err != nil {
			return err
		}
		skipped = true
	}
}

// lineComment tells whether a comment begins that ends with the line. To MySQL a -- without a
// blank behind it is two signs.
func (l *sqlLexer) lineComment(ahead []byte) bool {
	switch {
	case bytes.HasPrefix(ahead, []byte("--")):
		return !l.mysql || len(ahead) == 2 || isBlank(ahead[2])
	default:
		return l.mysql && bytes.HasPrefix(ahead, []byte("#"))
	}
}

// skipLine skips the rest of the line.
func (l *sqlLexer) skipLine() error {
	err := l.src.skipLine()
	if err == io.EOF {
		return nil
	}
	return err
}

func (l *sqlLexer) skipComment() error {
	start := l.src.line
	for depth := 0; ; {
		step := 1
		switch {
		case l.src.ahead("/*") && (depth == 0 || !l.mysql):
			depth++
			step = 2
		case l.src.ahead("*/"):
			depth--
			step = 2
		}
		for range step {
			_, err := l.src.next()
			if err == io.EOF {
				return lineError(start, errors.New("a comment that doesn't end"))
			}
			if err != nil {
				return err
			}
		}
		if depth == 0 {
			return nil
		}
	}
}

func isBlank(b byte) bool { return b == ' ' || '\t' <= b && b <= '\r' }

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// isWord counts every byte beyond ASCII as a letter, as PostgreSQL and MySQL do.
func isWord(b byte) bool {
	return isDigit(b) || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_' || b >= 0x80
}

// isTag tells whether a dollar quote may have the tag.
func isTag(tag []byte) bool {
	for _, b := range tag {
		if !isWord(b) {
			return false
		}
	}
	return len(tag) == 0 || !isDigit(tag[0])
}
