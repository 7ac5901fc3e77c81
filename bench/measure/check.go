package measure

import (
	"bytes"
	"errors"
	"fmt"

	"superheroes/bench/scan"
)

// fighter holds the fields of a hero or villain that are checked. They point into a response.
type fighter struct {
	name  []byte // a JSON string
	level int64
}

// errWrong means that a response failed a check.
var errWrong = errors.New("wrong response")

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errWrong, fmt.Errorf(format, args...))
}

func checkNothing([]byte) error { return nil }

// checkCharacter checks that the body is a hero or villain.
func checkCharacter(body []byte) error {
	_, err := readCharacter(body)
	return err
}

func readCharacter(object []byte) (fighter, error) {
	var f fighter
	hasLevel, hasID := false, false
	err := scan.Object(object, func(name, value []byte) error {
		switch string(name) {
		case "id":
			hasID = len(value) > 0
		case "name":
			f.name = value
		case "level":
			f.level, hasLevel = scan.Integer(value)
		}
		return nil
	})
	switch {
	case err != nil:
		return f, wrong("invalid character: %w", err)
	case !isName(f.name):
		return f, wrong("invalid character name %.60s", f.name)
	case !hasLevel || !hasID:
		return f, wrong("character without id or level")
	}
	return f, nil
}

// checkLocation checks that the body is a location.
func checkLocation(body []byte) error {
	_, err := readLocation(body)
	return err
}

func readLocation(object []byte) (name []byte, err error) {
	err = scan.Object(object, func(field, value []byte) error {
		if string(field) == "name" {
			name = value
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, wrong("invalid location: %w", err)
	case !isName(name):
		return nil, wrong("invalid location name %.60s", name)
	}
	return name, nil
}

// isName reports whether the value is a non-empty JSON string, and not the fallback that members substitute for an entry they
// couldn't get.
func isName(value []byte) bool {
	if len(value) < 3 || value[0] != '"' {
		return false
	}
	fallback := []byte("fallback")
	for i := 1; i+len(fallback) < len(value); i++ {
		if value[i]|0x20 == 'f' && bytes.EqualFold(value[i:i+len(fallback)], fallback) {
			return false
		}
	}
	return true
}

// checkFighters checks that the body has a hero and a villain.
func checkFighters(body []byte) error {
	_, err := readFighters(body)
	return err
}

// readFighters checks the same and returns the fighters with their JSON.
func readFighters(body []byte) (p pair, err error) {
	err = scan.Object(body, func(name, value []byte) error {
		switch string(name) {
		case "hero":
			p.heroJSON = value
		case "villain":
			p.villainJSON = value
		case "location":
			p.placeJSON = value
		}
		return nil
	})
	if err != nil {
		return p, wrong("invalid fighters: %w", err)
	}
	if p.hero, err = readCharacter(p.heroJSON); err != nil {
		return p, err
	}
	p.villain, err = readCharacter(p.villainJSON)
	return p, err
}

// pair holds the two fighters, and the location if one was given.
type pair struct {
	hero, villain                    fighter
	heroJSON, villainJSON, placeJSON []byte
}

// answeredFight holds the fields of a Fight that are checked.
type answeredFight struct {
	id, hero, villain, location []byte
	winner, loser               fighter
	winnerTeam, loserTeam       []byte
	leveled                     int // how many of the two levels were integers
}

func (f *answeredFight) field(name, value []byte) error {
	level := func(at *int64) {
		n, ok := scan.Integer(value)
		if ok {
			f.leveled++
		}
		*at = n
	}
	switch string(name) {
	case "id":
		f.id = value
	case "winner_name":
		f.winner.name = value
	case "loser_name":
		f.loser.name = value
	case "winner_level":
		level(&f.winner.level)
	case "loser_level":
		level(&f.loser.level)
	case "winner_team":
		f.winnerTeam = value
	case "loser_team":
		f.loserTeam = value
	case "hero":
		f.hero = value
	case "villain":
		f.villain = value
	case "location":
		f.location = value
	}
	return nil
}

// checkFight checks that the body is a Fight decided according to the rule, between the fighters that were sent or, if none
// were, between those it names. It requires only the fields that every member of the family has; hero and villain, if present,
// must be the winner and the loser. It returns the raw JSON of the id.
func checkFight(body []byte, sent *pair) (id []byte, err error) {
	var f answeredFight
	if err := scan.Object(body, f.field); err != nil {
		return nil, wrong("invalid fight: %w", err)
	}
	return f.id, f.check(sent)
}

func (f *answeredFight) check(sent *pair) error {
	hero, villain, err := f.sides()
	if err != nil {
		return err
	}
	if heroWins := hero.level > villain.level; heroWins != (string(f.winnerTeam) == heroTeam) {
		return wrong("hero of level %d, villain of level %d, but %s won", hero.level, villain.level, f.winnerTeam)
	}
	if sent != nil && (!same(hero, sent.hero) || !same(villain, sent.villain)) {
		return wrong("fight between other fighters than were sent")
	}
	if err := f.checkSides(hero, villain); err != nil {
		return err
	}
	return f.checkPlace(sent)
}

// The teams, as JSON.
const heroTeam, villainTeam = `"heroes"`, `"villains"`

// sides returns the hero and the villain of the fight.
func (f *answeredFight) sides() (hero, villain fighter, err error) {
	switch {
	case len(f.id) == 0 || string(f.id) == "null" || string(f.id) == `""`:
		return hero, villain, wrong("fight without an id")
	case !isName(f.winner.name) || !isName(f.loser.name) || f.leveled != 2:
		return hero, villain, wrong("fight without both names and levels")
	case string(f.winnerTeam) == heroTeam && string(f.loserTeam) == villainTeam:
		return f.winner, f.loser, nil
	case string(f.winnerTeam) == villainTeam && string(f.loserTeam) == heroTeam:
		return f.loser, f.winner, nil
	}
	return hero, villain, wrong("fight between the teams %.20s and %.20s", f.winnerTeam, f.loserTeam)
}

// checkSides checks that hero and villain, if present, are the ones who fought.
func (f *answeredFight) checkSides(hero, villain fighter) error {
	for _, side := range []struct {
		object []byte
		fought fighter
	}{{f.hero, hero}, {f.villain, villain}} {
		if !isObject(side.object) {
			continue
		}
		given, err := readCharacter(side.object)
		if err != nil {
			return err
		}
		if !same(given, side.fought) {
			return wrong("the hero or villain shown did not fight")
		}
	}
	return nil
}

// checkPlace checks that the location, if present, is the one that was sent.
func (f *answeredFight) checkPlace(sent *pair) error {
	if !isObject(f.location) {
		return nil
	}
	place, err := readLocation(f.location)
	if err != nil || sent == nil || !isObject(sent.placeJSON) {
		return err
	}
	if asked, err := readLocation(sent.placeJSON); err != nil || !scan.Same(place, asked) {
		return wrong("fight at another location than was sent")
	}
	return nil
}

func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

func same(a, b fighter) bool { return a.level == b.level && scan.Same(a.name, b.name) }
