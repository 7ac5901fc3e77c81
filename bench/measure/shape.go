package measure

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"superheroes/bench/scan"
)

// The members of the family have the same requests, but not quite the same responses. As of the given commits:
//
//   - Python (flyaruu/python-super-heroes, ecda82ac) has the paths and the spelling of this project, but no list and no
//     count of fights, and stores none.
//   - Rust (flyaruu/rust-super-heroes, cb64de75) spells fights in camelCase and tosses a coin to decide them. Its
//     villains have no id and its fights contain neither hero nor villain. It has no execute_fight, list or count. Its
//     locations have no HTTP, only gRPC. If a peer fails, it closes the connection without a response.
//   - Quarkus (quarkusio/quarkus-super-heroes, 91d6974f) spells fights in camelCase, adds up to 19 levels at random to
//     each side, and may toss a coin after that. A random hero is at /random. Its fighters have no id, and its fights
//     contain neither hero nor villain; empty fields are left out; ids are ObjectIds. It lists fights by page and size,
//     and all at once up to commit 85377cb6, but has no execute_fight and no count. Its locations have no HTTP, only
//     gRPC. If a peer fails, it responds with status 200 and a fallback.

// dialect is one of the family's ways to spell a fight and to decide who wins it.
type dialect struct {
	name    string
	fields  []string // of a fight, in the order in which readFight reads them
	byLevel bool     // whether the hero wins exactly if its level is higher; otherwise chance has a say
}

func dialects() []*dialect {
	common := []string{"id", "hero", "villain", "location"}
	return []*dialect{
		{"snake_case", slices.Concat([]string{"winner_name", "winner_level", "winner_team", "loser_name", "loser_level", "loser_team"}, common), true},
		{"camelCase", slices.Concat([]string{"winnerName", "winnerLevel", "winnerTeam", "loserName", "loserLevel", "loserTeam"}, common), false},
	}
}

// errUnknown means that a response has none of the known forms.
var errUnknown = errors.New("unknown response")

// dialectOf returns the dialect of a fight, which is recognized by the winner's name.
func dialectOf(fight []byte) (*dialect, error) {
	var names []string
	for _, d := range dialects() {
		var name [1][]byte
		if err := scan.Object(fight, name[:], d.fields[0]); err != nil {
			return nil, wrong("invalid fight: %w", err)
		}
		if name[0] != nil {
			return d, nil
		}
		names = append(names, d.fields[0])
	}
	return nil, wrong("%w: a fight must have %s", errUnknown, strings.Join(names, " or "))
}

// shape is what was found out about a target's API. Its zero value means that nothing is known yet.
type shape struct {
	dialect *dialect
	random  map[Service]string // path of a random entry
}

func (s shape) clone() shape {
	random := maps.Clone(s.random)
	if random == nil {
		random = map[Service]string{}
	}
	return shape{s.dialect, random}
}

// String describes the shape, or returns "" if nothing is known.
func (s shape) String() string {
	var parts []string
	if s.dialect != nil {
		rule := "chance has a say in who wins"
		if s.dialect.byLevel {
			rule = "the level decides who wins"
		}
		parts = append(parts, s.dialect.name, rule)
	}
	return strings.Join(append(parts, slices.Sorted(maps.Values(s.random))...), ", ")
}

// discover finds out the shapes of the targets' APIs, as far as the mix needs them, and notes them in the report.
func (o Options) discover(report *Report) error {
	for i := range o.Targets {
		t := &o.Targets[i]
		if err := t.discover(o.Mix, o.Timeout); err != nil {
			return err
		}
		if found := t.shape.String(); found != "" {
			report.note("the API of %s: %s", t.Name, found)
		}
	}
	return nil
}

// discover performs each action of the mix once. It returns an error if the target doesn't respond, or if it doesn't
// have what an action needs. Wrong content, such as a fallback, is left to the runs.
func (t *Target) discover(mix Mix, timeout time.Duration) error {
	c, err := newClient(*t, timeout)
	if err != nil {
		return err
	}
	defer c.close()
	for _, a := range mix.actions() {
		err := a.do(c)
		switch {
		case errors.Is(err, errStatus), errors.Is(err, errUnknown), errors.Is(err, scan.ErrNoObject):
			return fmt.Errorf("%s can't be measured with %s: tried %s: %w", t.Name, a.name, c.last, err)
		case err != nil && !errors.Is(err, errWrong):
			return fmt.Errorf("no response from %s: %s: %w", t.Name, c.last, err)
		}
	}
	t.shape = c.shape
	return nil
}

// noteRuns notes what the runs showed about the targets: where their fights were counted, and how many were not won
// by level where chance has a say.
func (r *Report) noteRuns() {
	for i, m := range r.Series[0].Members {
		upsets, fights, by := int64(0), int64(0), ""
		for _, s := range r.Series {
			for _, run := range s.Members[i].Runs {
				upsets, fights = upsets+run.Counts.Upsets, fights+run.Counts.Acknowledged
				if run.Stored != nil {
					by = cmp.Or(by, run.Stored.By)
				}
			}
		}
		if by != "" {
			r.note("the fights of %s were counted by %s", m.Name, by)
		}
		if upsets > 0 {
			r.note("%d of %d fights of %s were not won by level, which is no fault: chance has a say in who wins there", upsets, fights, m.Name)
		}
	}
}
