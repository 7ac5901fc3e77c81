package sqldump

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// escapes lists backslash escapes: each letter that may follow a backslash, followed by the byte it stands for.
type escapes string

const (
	none        escapes = ""
	mysqlString escapes = "0\x00b\bn\nr\rt\tZ\x1a"
	posixString escapes = "b\bf\fn\nr\rt\t"    // PostgreSQL's E'…'
	copyText    escapes = "b\bf\fn\nr\rt\tv\v" // the lines of PostgreSQL's COPY
)

// decode replaces backslash escape sequences.
func (e escapes) decode(text string) string {
	var value []byte
	for e != none {
		plain, escaped, _ := strings.Cut(text, `\`)
		if escaped == "" {
			break
		}
		value, text = e.decodeOne(append(value, plain...), escaped)
	}
	return string(append(value, text...))
}

var number = regexp.MustCompile(`^([0-7]{1,3}|x[[:xdigit:]]{1,2})`)

// decodeOne decodes the escape sequence at the start of escaped, which follows a backslash, appends the result to value and
// returns the rest. A character that doesn't exist, such as half of a surrogate pair, makes the value invalid UTF-8, which
// the caller of Next must reject.
func (e escapes) decodeOne(value []byte, escaped string) (longer []byte, rest string) {
	first, rest := escaped[0], escaped[1:]
	digits := number.FindString(escaped)
	switch i := strings.IndexByte(string(e), first); {
	case i >= 0 && i%2 == 0:
		return append(value, e[i+1]), rest
	case e == mysqlString && (first == '%' || first == '_'):
		return append(value, '\\', first), rest
	case e != mysqlString && digits != "":
		code, _ := strconv.ParseUint("0"+digits, 0, 16)
		return append(value, byte(code)), escaped[len(digits):]
	case e == posixString && (first == 'u' || first == 'U'):
		if char, _, after, err := strconv.UnquoteChar(`\`+escaped, 0); err == nil {
			return utf8.AppendRune(value, char), after
		}
		return append(value, 0xFF), rest
	}
	return append(value, first), rest
}
