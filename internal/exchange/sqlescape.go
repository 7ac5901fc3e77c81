package exchange

import (
	"strings"
	"unicode/utf8"
)

// escape reads what is behind a backslash into the token's text.
type escape func(l *sqlLexer) error

// noText stands for an escape that no text can hold. It makes the value invalid UTF-8, so that
// its row is refused.
const noText = 0xFF

// mysqlEscape follows MySQL and MariaDB: \% and \_ keep their backslash, and the backslash before
// any other letter is dropped.
func (l *sqlLexer) mysqlEscape() error {
	b, err := l.read()
	if err != nil {
		return err
	}
	switch b {
	case '0':
		b = 0
	case 'b':
		b = '\b'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	case 't':
		b = '\t'
	case 'Z':
		b = 0x1A
	case '%', '_':
		l.put('\\')
	}
	l.put(b)
	return nil
}

// posixEscape follows PostgreSQL's E'…'.
func (l *sqlLexer) posixEscape() error {
	b, err := l.read()
	if err != nil {
		return err
	}
	switch b {
	case 'b':
		b = '\b'
	case 'f':
		b = '\f'
	case 'n':
		b = '\n'
	case 'r':
		b = '\r'
	case 't':
		b = '\t'
	case 'x':
		return l.hexByte()
	case 'u':
		return l.codePoint(4)
	case 'U':
		return l.codePoint(8)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		return l.octalByte(b)
	}
	l.put(b)
	return nil
}

// hexByte reads the one or two digits of \x41; without any it is the letter.
func (l *sqlLexer) hexByte() error {
	code, digits, err := l.digits(2, 16)
	if digits == 0 {
		code = 'x'
	}
	l.put(byte(code))
	return err
}

// octalByte reads the up to two digits behind the first of \101.
func (l *sqlLexer) octalByte(first byte) error {
	code, digits, err := l.digits(2, 8)
	l.put((first-'0')<<(3*digits) | byte(code))
	return err
}

// codePoint reads \u00e9 or \U0001f600. Halves of a surrogate pair aren't taken.
func (l *sqlLexer) codePoint(length int) error {
	code, digits, err := l.digits(length, 16)
	if digits < length || code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
		l.put(noText)
		return err
	}
	l.put(utf8.AppendRune(nil, rune(code))...)
	return err
}

// digits reads up to limit digits and tells their value and how many there are.
func (l *sqlLexer) digits(limit int, base uint64) (code uint64, count int, err error) {
	for ; count < limit; count++ {
		ahead := l.src.peek(1)
		if len(ahead) == 0 {
			return code, count, nil
		}
		digit := strings.IndexByte("0123456789abcdef", lower(ahead[0]))
		if digit < 0 || uint64(digit) >= base {
			return code, count, nil
		}
		if _, err := l.read(); err != nil {
			return code, count, err
		}
		code = code*base + uint64(digit)
	}
	return code, count, nil
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
