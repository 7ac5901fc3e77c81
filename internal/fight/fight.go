// Package fight decides and stores fights. A request takes this path: package web receives the request, service.go
// fetches a hero, a villain and a location concurrently, fight.go decides and encodes the fight, and a Store makes the
// fight durable before the response is sent. The package depends on neither HTTP nor any database driver.
package fight

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/location"
)

// Team is a fighter's team.
type Team string

// The two teams.
const (
	Heroes   Team = "heroes"
	Villains Team = "villains"
)

// Fight is a decided fight.
type Fight struct {
	ID       ID
	Date     time.Time // time of the decision, in UTC, truncated to milliseconds, which every store can represent
	Winner   Team
	Hero     character.Character
	Villain  character.Character
	Location *location.Location // nil for a fight without a location
}

// Decide decides a fight between hero and villain at the given time. The higher level wins; a tie goes to the
// villain.
func Decide(id ID, at time.Time, hero, villain character.Character, place *location.Location) Fight {
	winner := Villains
	if hero.Level > villain.Level {
		winner = Heroes
	}
	date := at.UTC().Truncate(time.Millisecond)
	return Fight{ID: id, Date: date, Winner: winner, Hero: hero, Villain: villain, Location: place}
}

// Side is a fighter and their team.
type Side struct {
	character.Character
	Team Team
}

// Sides returns the winner and the loser.
func (f Fight) Sides() (winner, loser Side) {
	hero, villain := Side{f.Hero, Heroes}, Side{f.Villain, Villains}
	if f.Winner == Heroes {
		return hero, villain
	}
	return villain, hero
}

// JSON declares the fields of a fight's JSON representation for the OpenAPI document. Tests check that the declaration
// agrees with AppendJSON, Parse and ParseOutcome, which write and read these fields.
type JSON struct {
	ID            string              `json:"id" format:"uuid" doc:"A UUID; version 7 if this server created it."`
	FightDate     time.Time           `json:"fight_date" doc:"When the fight was decided, in UTC."`
	WinnerName    string              `json:"winner_name"`
	WinnerLevel   int32               `json:"winner_level"`
	WinnerPowers  string              `json:"winner_powers"`
	WinnerPicture string              `json:"winner_picture"`
	WinnerTeam    Team                `json:"winner_team" enum:"heroes,villains"`
	LoserName     string              `json:"loser_name"`
	LoserLevel    int32               `json:"loser_level"`
	LoserPowers   string              `json:"loser_powers"`
	LoserPicture  string              `json:"loser_picture"`
	LoserTeam     Team                `json:"loser_team" enum:"heroes,villains"`
	Hero          character.Character `json:"hero"`
	Villain       character.Character `json:"villain"`
	Location      location.Location   `json:"location"`
}

// JSON returns the fields of a fight with a location.
func (f Fight) JSON() JSON {
	winner, loser := f.Sides()
	return JSON{
		ID: f.ID.String(), FightDate: f.Date,
		WinnerName: winner.Name, WinnerLevel: winner.Level, WinnerPowers: winner.Powers,
		WinnerPicture: winner.Picture, WinnerTeam: winner.Team,
		LoserName: loser.Name, LoserLevel: loser.Level, LoserPowers: loser.Powers,
		LoserPicture: loser.Picture, LoserTeam: loser.Team,
		Hero: f.Hero, Villain: f.Villain, Location: *f.Location,
	}
}

const dateForm = "2006-01-02T15:04:05.000Z"

// AppendJSON appends the response body, which is also the document that the SQLite store saves.
func (f Fight) AppendJSON(dst []byte) []byte {
	winner, loser := f.Sides()
	dst = f.ID.append(append(dst, `{"id":"`...))
	dst = f.Date.AppendFormat(append(dst, `","fight_date":"`...), dateForm)
	dst = winner.appendJSON(append(dst, '"'), "winner")
	dst = loser.appendJSON(dst, "loser")
	dst = f.Hero.AppendJSON(append(dst, `,"hero":`...))
	dst = f.Villain.AppendJSON(append(dst, `,"villain":`...))
	dst = append(dst, `,"location":`...)
	if f.Location == nil {
		return append(dst, `null}`...)
	}
	return append(f.Location.AppendJSON(dst), '}')
}

// appendJSON appends the five fields of one side, such as winner_name.
func (s Side) appendJSON(dst []byte, role string) []byte {
	field := func(name string) {
		dst = append(dst, `,"`...)
		dst = append(dst, role...)
		dst = append(dst, name...)
	}
	field(`_name":`)
	dst = catalog.AppendString(dst, s.Name)
	field(`_level":`)
	dst = strconv.AppendInt(dst, int64(s.Level), 10)
	field(`_powers":`)
	dst = catalog.AppendString(dst, s.Powers)
	field(`_picture":`)
	dst = catalog.AppendString(dst, s.Picture)
	field(`_team":`)
	return catalog.AppendString(dst, string(s.Team))
}

// Parse parses the stored document of the fight with the given id. Another program may have written the document.
// Unknown fields are ignored, and strings, numbers and the location are optional. The error names the invalid field.
func Parse(id ID, document []byte) (Fight, error) {
	var stored struct {
		ID       string             `json:"id"`
		Date     *time.Time         `json:"fight_date"`
		Winner   Team               `json:"winner_team"`
		Hero     *storedFighter     `json:"hero"`
		Villain  *storedFighter     `json:"villain"`
		Location *location.Location `json:"location"`
	}
	if err := json.Unmarshal(document, &stored); err != nil {
		return Fight{}, err
	}
	switch own, err := ParseID(stored.ID); {
	case err != nil || own != id:
		return Fight{}, errors.New("the document contains a different id")
	case stored.Date == nil:
		return Fight{}, errors.New("fight_date is missing")
	case stored.Hero == nil || stored.Hero.Name == nil:
		return Fight{}, errors.New("hero.name is missing")
	case stored.Villain == nil || stored.Villain.Name == nil:
		return Fight{}, errors.New("villain.name is missing")
	}
	f := Fight{id, stored.Date.UTC(), stored.Winner, stored.Hero.character(), stored.Villain.character(), stored.Location}
	return f, f.Check()
}

// storedFighter is a fighter in a stored document. It distinguishes a missing name from an empty name.
type storedFighter struct {
	character.Character
	Name *string `json:"name"`
}

func (s storedFighter) character() character.Character {
	s.Character.Name = *s.Name
	return s.Character
}

// Check returns an error if a field of a stored fight has the right type but an invalid value.
func (f Fight) Check() error {
	if f.Winner != Heroes && f.Winner != Villains {
		return fmt.Errorf("winner_team is %.20q, neither heroes nor villains", f.Winner)
	}
	if year := f.Date.Year(); year < 0 || year > 9999 {
		return fmt.Errorf("fight_date is in the year %d", year)
	}
	return nil
}
