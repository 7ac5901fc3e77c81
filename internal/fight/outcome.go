package fight

import (
	"bytes"
	"math"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Outcome is what statistics need of a fight.
type Outcome struct {
	Date   time.Time
	Winner string // the winner's name
	Team   Team   // the winner's team
	Place  string // the location's name; "" if there was none
}

// Outcome returns what statistics need of the fight.
func (f Fight) Outcome() Outcome {
	winner, _ := f.Sides()
	outcome := Outcome{Date: f.Date, Winner: winner.Name, Team: winner.Team}
	if f.Location != nil {
		outcome.Place = f.Location.Name
	}
	return outcome
}

// ParseOutcome reads what statistics need from the document of the stored fight with the id. It rejects the same
// documents as Parse, but costs a fraction for documents written by AppendJSON.
func ParseOutcome(id ID, document []byte) (Outcome, error) {
	if outcome, ok := scanOutcome(id, document); ok {
		return outcome, nil
	}
	f, err := Parse(id, document)
	if err != nil {
		return Outcome{}, err
	}
	return f.Outcome(), nil
}

// scanOutcome scans a document in exactly the form that AppendJSON writes. If any byte deviates, ok is false, which
// doesn't mean that the document is invalid.
func scanOutcome(id ID, document []byte) (outcome Outcome, ok bool) {
	var room [36]byte
	s := scanner{rest: document}
	s.literal(`{"id":"`)
	s.literal(string(id.append(room[:0])))
	s.literal(`","fight_date":"`)
	outcome.Date = s.date()
	s.literal(`"`)
	team := s.side("winner")
	s.side("loser")
	hero := s.entry(`,"hero":{"id":`, `,"name":`, `,"otherName":`, `,"level":`, `,"picture":`, `,"powers":`)
	villain := s.entry(`,"villain":{"id":`, `,"name":`, `,"otherName":`, `,"level":`, `,"picture":`, `,"powers":`)
	var place []byte
	if !s.optional(`,"location":null`) {
		place = s.entry(`,"location":{"id":`, `,"name":`, `,"description":`, `,"picture":`, `,"type":`)
	}
	s.literal(`}`)
	if s.failed || len(s.rest) > 0 {
		return outcome, false
	}
	switch string(team) {
	case `"heroes"`:
		outcome.Team, outcome.Winner = Heroes, unquote(hero)
	case `"villains"`:
		outcome.Team, outcome.Winner = Villains, unquote(villain)
	default:
		return outcome, false
	}
	if place != nil {
		outcome.Place = unquote(place)
	}
	return outcome, true
}

// scanner scans JSON of a known form. After a failure it reads nothing more.
type scanner struct {
	rest   []byte
	failed bool
}

func (s *scanner) literal(text string) {
	if !s.optional(text) {
		s.failed = true
	}
}

// optional consumes the text if it comes next, and reports whether it did.
func (s *scanner) optional(text string) bool {
	if s.failed || len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

func (s *scanner) date() time.Time {
	const form = "2006-01-02T15:04:05.000Z"
	if s.failed || len(s.rest) < len(form) {
		s.failed = true
		return time.Time{}
	}
	date, err := time.Parse(form, string(s.rest[:len(form)]))
	s.failed = err != nil
	s.rest = s.rest[len(form):]
	return date
}

// side scans the five fields of a side and returns the team.
func (s *scanner) side(role string) (team []byte) {
	field := func(name string) {
		s.literal(`,"`)
		s.literal(role)
		s.literal(name)
	}
	field(`_name":`)
	s.text()
	field(`_level":`)
	s.integer(math.MaxInt32)
	field(`_powers":`)
	s.text()
	field(`_picture":`)
	s.text()
	field(`_team":`)
	return s.text()
}

// entry scans an object with an id, a name and further fields, which are strings except level, and returns the name.
func (s *scanner) entry(id, named string, fields ...string) (name []byte) {
	s.literal(id)
	if !s.optional(`null`) {
		s.integer(math.MaxInt64)
	}
	s.literal(named)
	name = s.text()
	for _, field := range fields {
		s.literal(field)
		if field == `,"level":` {
			s.integer(math.MaxInt32)
		} else {
			s.text()
		}
	}
	s.literal(`}`)
	return name
}

// integer scans a number from 0 to most.
func (s *scanner) integer(most uint64) {
	var n uint64
	digits := 0
	for ; digits < min(len(s.rest), 19) && '0' <= s.rest[digits] && s.rest[digits] <= '9'; digits++ { // 19 digits fit into 64 bits
		n = n*10 + uint64(s.rest[digits]-'0')
	}
	if s.failed || digits == 0 || digits > 1 && s.rest[0] == '0' || n > most {
		s.failed = true
		return
	}
	s.rest = s.rest[digits:]
}

// text scans a string and returns it including its quotes.
func (s *scanner) text() []byte {
	if s.failed || len(s.rest) == 0 || s.rest[0] != '"' {
		s.failed = true
		return nil
	}
	plain := true
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			text := s.rest[:i+1]
			s.rest = s.rest[i+1:]
			if !plain {
				s.failed = !jsontext.Value(text).IsValid()
			}
			return text
		case c == '\\':
			plain = false
			i++
		case c < ' ' || c >= utf8.RuneSelf:
			plain = false
		}
	}
	s.failed = true
	return nil
}

// unquote returns the value of a valid JSON string.
func unquote(text []byte) string {
	if bytes.IndexByte(text, '\\') < 0 {
		return string(text[1 : len(text)-1])
	}
	value, err := jsontext.AppendUnquote(nil, text)
	if err != nil {
		return ""
	}
	return string(value)
}
