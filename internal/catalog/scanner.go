package catalog

import "unicode/utf8"

// Scanner reads JSON in exactly the form that AppendJSON writes, with no escapes in strings, in a fraction of the
// time that the JSON library takes. After the first deviation from that form, the scanner reads nothing more. JSON in
// any other form is not necessarily invalid.
type Scanner struct {
	rest   []byte
	failed bool
}

// NewScanner returns a scanner that reads text.
func NewScanner(text []byte) Scanner { return Scanner{rest: text} }

// Left returns the number of unread bytes.
func (s *Scanner) Left() int { return len(s.rest) }

// Done reports whether all of the text was read and had the expected form.
func (s *Scanner) Done() bool { return !s.failed && len(s.rest) == 0 }

// Literal reads the given text.
func (s *Scanner) Literal(text string) {
	if !s.Optional(text) {
		s.failed = true
	}
}

// Optional reads the given text if it comes next, and reports whether it did.
func (s *Scanner) Optional(text string) bool {
	if s.failed || len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

// Next reads n bytes.
func (s *Scanner) Next(n int) (next []byte) {
	if s.failed || len(s.rest) < n {
		s.failed = true
		return next
	}
	next, s.rest = s.rest[:n], s.rest[n:]
	return next
}

// Text reads a JSON string and returns its value, which shares the text's memory, or nil if there is no string.
func (s *Scanner) Text() []byte {
	if s.failed || len(s.rest) == 0 || s.rest[0] != '"' {
		s.failed = true
		return nil
	}
	rest, ascii := s.rest[1:], true
	for i, c := range rest {
		switch {
		case c == '"':
			s.rest = rest[i+1:]
			s.failed = !ascii && !utf8.Valid(rest[:i])
			return rest[:i]
		case c == '\\', c < ' ':
			s.failed = true
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.failed = true
	return nil
}

// maxDigits is the number of decimal digits that always fit into 64 bits.
const maxDigits = 19

// Integer reads a non-negative integer up to the given maximum.
func (s *Scanner) Integer(most int64) (n int64) {
	digits := 0
	for end := min(len(s.rest), maxDigits); digits < end && '0' <= s.rest[digits] && s.rest[digits] <= '9'; digits++ {
		n = n*10 + int64(s.rest[digits]-'0')
	}
	text := s.Next(digits)
	s.failed = s.failed || digits == 0 || digits > 1 && text[0] == '0' || n < 0 || n > most
	return n
}
