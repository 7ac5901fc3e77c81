package fight

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Outcome is what statistics keep of a fight.
type Outcome struct {
	Date   time.Time
	Winner string // the name
	Team   Team   // the winner's
	Place  string // the name; "" when it was fought nowhere in particular
}

// Outcome returns what statistics keep of the fight.
func (f Fight) Outcome() Outcome {
	winner, _ := f.Sides()
	outcome := Outcome{Date: f.Date, Winner: winner.Name, Team: winner.Team}
	if f.Location != nil {
		outcome.Place = f.Location.Name
	}
	return outcome
}

// ParseOutcome reads from a document that AppendJSON wrote no more than statistics need, at a fraction of what Parse costs.
func ParseOutcome(document []byte) (Outcome, error) {
	if outcome, ok := scanOutcome(document); ok {
		return outcome, nil
	}
	f, err := Parse(document)
	if err != nil {
		return Outcome{}, err
	}
	return f.Outcome(), nil
}

// Where AppendJSON puts what scanOutcome looks for. None of these texts can occur within a string: a quote there would
// have a backslash before it, and behind the quote that ends a string stands no letter.
const (
	beforeDate   = `","fight_date":"`
	beforeWinner = `","winner_name":`
	beforeTeam   = `,"winner_team":`
	beforePlace  = `,"location":{`
	beforeName   = `,"name":`
	noPlace      = `,"location":null}`
)

const (
	dateAt   = len(`{"id":"`) + len("00000000-0000-0000-0000-000000000000") + len(beforeDate)
	winnerAt = dateAt + len("2006-01-02T15:04:05.000Z") + len(beforeWinner)
)

// scanOutcome finds the few values by what stands before them. It is not ok when the document looks otherwise than
// AppendJSON makes it.
func scanOutcome(document []byte) (outcome Outcome, ok bool) {
	if len(document) < winnerAt || string(document[dateAt-len(beforeDate):dateAt]) != beforeDate ||
		string(document[winnerAt-len(beforeWinner):winnerAt]) != beforeWinner {
		return outcome, false
	}
	date, err := time.Parse(time.RFC3339Nano, string(document[dateAt:winnerAt-len(beforeWinner)]))
	if err != nil {
		return outcome, false
	}
	outcome.Date = date.UTC()
	if outcome.Winner, ok = stringAt(document[winnerAt:]); !ok {
		return outcome, false
	}
	team := bytes.Index(document, []byte(beforeTeam))
	if team < 0 {
		return outcome, false
	}
	side, ok := stringAt(document[team+len(beforeTeam):])
	if !ok {
		return outcome, false
	}
	outcome.Team = Team(side)
	if bytes.HasSuffix(document, []byte(noPlace)) {
		return outcome, true
	}
	place := bytes.LastIndex(document, []byte(beforePlace))
	if place < 0 {
		return outcome, false
	}
	name := bytes.Index(document[place:], []byte(beforeName))
	if name < 0 {
		return outcome, false
	}
	outcome.Place, ok = stringAt(document[place+name+len(beforeName):])
	return outcome, ok
}

// stringAt reads the JSON string that text begins with.
func stringAt(text []byte) (string, bool) {
	if len(text) == 0 || text[0] != '"' {
		return "", false
	}
	end := bytes.IndexByte(text[1:], '"')
	if end < 0 {
		return "", false
	}
	if plain := text[1 : 1+end]; bytes.IndexByte(plain, '\\') < 0 {
		return string(plain), true
	}
	value, err := jsontext.NewDecoder(bytes.NewReader(text)).ReadToken()
	if err != nil || value.Kind() != '"' {
		return "", false
	}
	return value.String(), true
}
