package measure

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"superheroes/bench/scan"
)

// errWrong means that a response failed a check.
var errWrong = errors.New("wrong response")

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errWrong, fmt.Errorf(format, args...))
}

func checkNothing([]byte) error { return nil }

// fighter holds the checked fields of a hero or villain. The name is a JSON string that aliases the response body.
type fighter struct {
	name  []byte
	level int64
}

func (f fighter) equal(other fighter) bool {
	return f.level == other.level && scan.Same(f.name, other.name)
}

// newFighter parses a fighter's name and level, which are given as JSON. It returns false if the name or the level is
// missing or invalid.
func newFighter(name, level []byte) (fighter, bool) {
	number, err := strconv.ParseInt(string(level), 10, 64)
	return fighter{name, number}, err == nil && isName(name)
}

// checkCharacter checks that the response body is a valid hero or villain.
func checkCharacter(body []byte) error {
	_, err := readCharacter(body)
	return err
}

func readCharacter(object []byte) (fighter, error) {
	var values [2][]byte
	err := scan.Object(object, values[:], "name", "level")
	f, valid := newFighter(values[0], values[1])
	switch {
	case err != nil:
		return f, wrong("invalid character: %w", err)
	case !isName(f.name):
		return f, wrong("invalid character name %.60s", f.name)
	case !valid:
		return f, wrong("character without level")
	}
	return f, nil
}

// checkLocation checks that the response body is a valid location.
func checkLocation(body []byte) error {
	_, err := readLocation(body)
	return err
}

func readLocation(object []byte) (name []byte, err error) {
	var values [1][]byte
	err = scan.Object(object, values[:], "name")
	name = values[0]
	switch {
	case err != nil:
		return nil, wrong("invalid location: %w", err)
	case !isName(name):
		return nil, wrong("invalid location name %.60s", name)
	}
	return name, nil
}

// isName reports whether the value is a non-empty JSON string and not the fallback name that members use when they
// can't fetch an entry.
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

// pair holds two fighters and, if present, a location.
type pair struct {
	hero, villain                    fighter
	heroJSON, villainJSON, placeJSON []byte
}

// checkFighters checks that the response body has a hero and a villain.
func checkFighters(body []byte) error {
	_, err := readFighters(body)
	return err
}

// readFighters checks that the response body has a hero and a villain, and returns both along with their JSON.
func readFighters(body []byte) (p pair, err error) {
	var values [3][]byte
	if err := scan.Object(body, values[:], "hero", "villain", "location"); err != nil {
		return p, wrong("invalid fighters: %w", err)
	}
	p.heroJSON, p.villainJSON, p.placeJSON = values[0], values[1], values[2]
	if p.hero, err = readCharacter(p.heroJSON); err != nil {
		return p, err
	}
	p.villain, err = readCharacter(p.villainJSON)
	return p, err
}

// The teams, as JSON.
const heroTeam, villainTeam = `"heroes"`, `"villains"`

// readFight checks that the response body is a fight in the given dialect, with the correct winner if the level decides.
// Unless sent is nil, it also checks that the fight is between the fighters sent in the request. Only the fields common
// to all members of the family are required; hero and villain, if present, must match the winner and the loser. It
// returns the fight's id as raw JSON, and whether the fight was won by the fighter who would have lost by level.
func readFight(body []byte, sent *pair, d *dialect) (id []byte, upset bool, err error) {
	var values [10][]byte
	if err := scan.Object(body, values[:], d.fields...); err != nil {
		return nil, false, wrong("invalid fight: %w", err)
	}
	winnerTeam, loserTeam, id := values[2], values[5], values[6]
	winner, winnerValid := newFighter(values[0], values[1])
	loser, loserValid := newFighter(values[3], values[4])
	hero, villain := winner, loser
	if string(winnerTeam) == villainTeam {
		hero, villain = loser, winner
	}
	heroWins := hero.level > villain.level
	upset = heroWins != (string(winnerTeam) == heroTeam)
	switch {
	case len(id) == 0 || string(id) == "null" || string(id) == `""`:
		return id, false, wrong("fight without an id")
	case !winnerValid || !loserValid:
		return id, false, wrong("fight in which a fighter's name or level is missing or invalid")
	case !isTeams(winnerTeam, loserTeam) && !isTeams(loserTeam, winnerTeam):
		return id, false, wrong("fight between the teams %.20s and %.20s", winnerTeam, loserTeam)
	case upset && d.byLevel:
		return id, true, wrong("hero of level %d, villain of level %d, but %s won", hero.level, villain.level, winnerTeam)
	case sent != nil && (!hero.equal(sent.hero) || !villain.equal(sent.villain)):
		return id, upset, wrong("fight between fighters other than those sent")
	}
	return id, upset, cmp.Or(checkShown(values[7], hero), checkShown(values[8], villain), checkPlace(values[9], sent))
}

// isTeams reports whether the first argument names the heroes' team and the second one the villains' team.
func isTeams(heroes, villains []byte) bool {
	return string(heroes) == heroTeam && string(villains) == villainTeam
}

// checkShown checks that a fight's hero or villain object, if present, describes the fighter who took part.
func checkShown(object []byte, fought fighter) error {
	if !isObject(object) {
		return nil
	}
	shown, err := readCharacter(object)
	if err == nil && !shown.equal(fought) {
		err = wrong("the hero or villain in the response did not fight")
	}
	return err
}

// checkPlace checks that the location of a fight, if present, is the location sent in the request.
func checkPlace(location []byte, sent *pair) error {
	if !isObject(location) {
		return nil
	}
	place, err := readLocation(location)
	if err != nil || sent == nil || !isObject(sent.placeJSON) {
		return err
	}
	if asked, err := readLocation(sent.placeJSON); err != nil || !scan.Same(place, asked) {
		return wrong("fight at a location other than the one sent")
	}
	return nil
}

func isObject(value []byte) bool { return len(value) > 0 && value[0] == '{' }
