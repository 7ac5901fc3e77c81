package statistics

import (
	"time"

	"superheroes/internal/fight"
)

// Fighter identifies a winner by name and team.
type Fighter struct {
	Name string
	Team fight.Team
}

// Tally holds the totals for a set of fights.
type Tally struct {
	Sums
	Since   time.Time // the earliest date; the zero time if there is none
	Winners map[Fighter]int64
	Places  map[string]int64
}

// NewTally returns an empty tally.
func NewTally() *Tally { return &Tally{Winners: map[Fighter]int64{}, Places: map[string]int64{}} }

// TallyOf converts statistics that list all winners and places to a tally.
func TallyOf(s Statistics) *Tally {
	t := NewTally()
	t.Sums, t.Since = Sums{s.Total, s.Heroes, s.Villains}, s.Since
	for _, winner := range s.Winners {
		t.Winners[Fighter{winner.Name, winner.Team}] = winner.Wins
	}
	for _, place := range s.Places {
		t.Places[place.Name] = place.Fights
	}
	return t
}

// Add adds a fight.
func (t *Tally) Add(o fight.Outcome) {
	t.Total++
	switch o.Team {
	case fight.Heroes:
		t.Heroes++
	case fight.Villains:
		t.Villains++
	}
	if t.Since.IsZero() || !o.Date.IsZero() && o.Date.Before(t.Since) {
		t.Since = o.Date
	}
	if o.Winner != "" {
		t.Winners[Fighter{o.Winner, o.Team}]++
	}
	if o.Place != "" {
		t.Places[o.Place]++
	}
}

// AddUnreadable adds an unreadable fight, which counts towards the total but for neither side.
func (t *Tally) AddUnreadable() { t.Total++ }

// Lists returns the winners and the places, in no particular order.
func (t *Tally) Lists() (winners []Winner, places []Place) {
	for who, wins := range t.Winners {
		winners = append(winners, Winner{who.Name, who.Team, wins})
	}
	for name, fights := range t.Places {
		places = append(places, Place{name, fights})
	}
	return winners, places
}

// Minus returns the difference between two tallies, omitting the entries that are equal in both.
func (t *Tally) Minus(other *Tally) *Tally {
	return &Tally{
		Sums:    Sums{t.Total - other.Total, t.Heroes - other.Heroes, t.Villains - other.Villains},
		Winners: minus(t.Winners, other.Winners),
		Places:  minus(t.Places, other.Places),
	}
}

func minus[K comparable](a, b map[K]int64) map[K]int64 {
	difference := map[K]int64{}
	for key, n := range a {
		if n != b[key] {
			difference[key] = n - b[key]
		}
	}
	for key, n := range b {
		if _, both := a[key]; !both && n != 0 {
			difference[key] = -n
		}
	}
	return difference
}

// ReportOn returns the report on a rebuild. The report compares the stored tally (counted) with the correct tally
// (recounted).
func ReportOn(counted, recounted *Tally) Report {
	difference := recounted.Minus(counted)
	return Report{
		Fights: recounted.Total, Total: counted.Sums, Corrected: recounted.Sums,
		Since:   !counted.Since.Equal(recounted.Since),
		Winners: len(difference.Winners), Places: len(difference.Places),
	}
}
