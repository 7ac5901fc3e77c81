package fight

import (
	"math"
	"time"

	"superheroes/internal/catalog"
)

// Outcome holds the fields of a fight that statistics need.
type Outcome struct {
	Date   time.Time
	Winner string // the winner's name
	Team   Team   // the winner's team
	Place  string // the location's name; "" for a fight without a location
}

// Outcome returns the outcome of the fight.
func (f Fight) Outcome() Outcome {
	winner, _ := f.Sides()
	outcome := Outcome{Date: f.Date, Winner: winner.Name, Team: winner.Team}
	if f.Location != nil {
		outcome.Place = f.Location.Name
	}
	return outcome
}

// ParseOutcome parses the outcome from the document of the stored fight with the given id. ParseOutcome rejects the
// same documents as Parse, but takes only a third of the time for documents written by AppendJSON.
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

// scanOutcome scans a document in exactly the form that AppendJSON writes. If any byte deviates from that form, or a
// string contains escapes, ok is false, even though the document may be valid.
func scanOutcome(id ID, document []byte) (outcome Outcome, ok bool) {
	var room [36]byte
	s := scanner{catalog.NewScanner(document)}
	s.Literal(`{"id":"`)
	own := string(s.Next(len(room))) == string(id.append(room[:0]))
	s.Literal(`","fight_date":"`)
	date, err := time.Parse(dateForm, string(s.Next(len(dateForm))))
	s.Literal(`"`)
	outcome.Date, outcome.Team = date, Team(s.side("winner"))
	s.side("loser")
	hero, villain := s.character(`,"hero":{"id":`), s.character(`,"villain":{"id":`)
	if !s.Optional(`,"location":null`) {
		outcome.Place = string(s.location())
	}
	s.Literal(`}`)
	switch outcome.Team {
	case Heroes:
		outcome.Winner = string(hero)
	case Villains:
		outcome.Winner = string(villain)
	default:
		return outcome, false
	}
	return outcome, own && err == nil && s.Done()
}

// scanner scans the fields of a fight's document.
type scanner struct{ catalog.Scanner }

// text scans the given text, such as a field's name, and returns the string that follows it.
func (s *scanner) text(before string) []byte {
	s.Literal(before)
	return s.Text()
}

// side scans the five fields of a side and returns the team.
func (s *scanner) side(role string) (team []byte) {
	for _, field := range []string{`_name":`, `_level":`, `_powers":`, `_picture":`, `_team":`} {
		s.Literal(`,"`)
		s.Literal(role)
		s.Literal(field)
		if field == `_level":` {
			s.Integer(math.MaxInt32)
		} else {
			team = s.Text()
		}
	}
	return team
}

// named scans the id, which may be null, and the name of an entry.
func (s *scanner) named(before string) (name []byte) {
	s.Literal(before)
	if !s.Optional(`null`) {
		s.Integer(math.MaxInt64)
	}
	return s.text(`,"name":`)
}

func (s *scanner) character(before string) (name []byte) {
	name = s.named(before)
	s.text(`,"otherName":`)
	s.Literal(`,"level":`)
	s.Integer(math.MaxInt32)
	s.text(`,"picture":`)
	s.text(`,"powers":`)
	s.Literal(`}`)
	return name
}

func (s *scanner) location() (name []byte) {
	name = s.named(`,"location":{"id":`)
	s.text(`,"description":`)
	s.text(`,"picture":`)
	s.text(`,"type":`)
	s.Literal(`}`)
	return name
}
