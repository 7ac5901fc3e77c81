package measure

import (
	"bytes"
	"errors"
	"fmt"

	"superheroes/bench/scan"
)

// fighter is what a check looks at. Its fields point into an answer.
type fighter struct {
	name  []byte // a JSON string
	level int64
}

// errWrong means that an answer does not say what it should.
var errWrong = errors.New("wrong answer")

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errWrong, fmt.Errorf(format, args...))
}

func checkNothing([]byte) error { return nil }

// checkCharacter wants a hero or villain.
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
		return f, wrong("a character that is %w", err)
	case !isName(f.name):
		return f, wrong("a character with the name %.60s", f.name)
	case !hasLevel || !hasID:
		return f, wrong("a character without id or level")
	}
	return f, nil
}

// checkLocation wants a place.
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
		return nil, wrong("a place that is %w", err)
	case !isName(name):
		return nil, wrong("a place with the name %.60s", name)
	}
	return name, nil
}

// isName wants a JSON string that isn't empty, nor what members give in the place of an entry that they couldn't get.
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

// checkFighters wants a hero and a villain.
func checkFighters(body []byte) error {
	_, err := readFighters(body)
	return err
}

// readFighters wants the same, and returns their JSON too.
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
		return p, wrong("fighters that are %w", err)
	}
	if p.hero, err = readCharacter(p.heroJSON); err != nil {
		return p, err
	}
	p.villain, err = readCharacter(p.villainJSON)
	return p, err
}

// pair is who fights, and where when that was said.
type pair struct {
	hero, villain                    fighter
	heroJSON, villainJSON, placeJSON []byte
}

// answeredFight is what the check of a Fight looks at.
type answeredFight struct {
	id, hero, villain, location []byte
	winner, loser               fighter
	winnerTeam, loserTeam       []byte
	leveled                     int // of the two levels that were integers
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

// checkFight wants a Fight that is decided by the rule: between those who were sent, or, when nobody was, between those
// whom it names. It requires the fields that every member of the family has; hero and villain, where they are given,
// must be those who won and lost. It returns the id, as JSON in the body.
func checkFight(body []byte, sent *pair) (id []byte, err error) {
	var f answeredFight
	if err := scan.Object(body, f.field); err != nil {
		return nil, wrong("a fight that is %w", err)
	}
	return f.id, f.check(sent)
}

func (f *answeredFight) check(sent *pair) error {
	hero, villain, err := f.sides()
	if err != nil {
		return err
	}
	if heroWins := hero.level > villain.level; heroWins != (string(f.winnerTeam) == heroTeam) {
		return wrong("a fight of level %d against %d that %s won", hero.level, villain.level, f.winnerTeam)
	}
	if sent != nil && (!same(hero, sent.hero) || !same(villain, sent.villain)) {
		return wrong("a fight between others than were sent")
	}
	if err := f.checkSides(hero, villain); err != nil {
		return err
	}
	return f.checkPlace(sent)
}

// The teams, as JSON.
const heroTeam, villainTeam = `"heroes"`, `"villains"`

// sides returns who fought for whom.
func (f *answeredFight) sides() (hero, villain fighter, err error) {
	switch {
	case len(f.id) == 0 || string(f.id) == "null" || string(f.id) == `""`:
		return hero, villain, wrong("a fight without an id")
	case !isName(f.winner.name) || !isName(f.loser.name) || f.leveled != 2:
		return hero, villain, wrong("a fight without both names and levels")
	case string(f.winnerTeam) == heroTeam && string(f.loserTeam) == villainTeam:
		return f.winner, f.loser, nil
	case string(f.winnerTeam) == villainTeam && string(f.loserTeam) == heroTeam:
		return f.loser, f.winner, nil
	}
	return hero, villain, wrong("a fight between the teams %.20s and %.20s", f.winnerTeam, f.loserTeam)
}

// checkSides wants hero and villain, where they are given, to be those who fought.
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
			return wrong("a fight whose hero or villain did not fight")
		}
	}
	return nil
}

// checkPlace wants the place, where it is given, to be the one that was sent.
func (f *answeredFight) checkPlace(sent *pair) error {
	if !isObject(f.location) {
		return nil
	}
	place, err := readLocation(f.location)
	if err != nil || sent == nil || !isObject(sent.placeJSON) {
		return err
	}
	if asked, err := readLocation(sent.placeJSON); err != nil || !scan.Same(place, asked) {
		return wrong("a fight at another place than was sent")
	}
	return nil
}

func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }

func same(a, b fighter) bool { return a.level == b.level && scan.Same(a.name, b.name) }
