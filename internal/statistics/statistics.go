// Package statistics counts fights: each that is stored, once. A Store counts in steps that can
// be repeated and remembers, together with the totals, how far it came; the counter here decides when it takes a step;
// the service answers, and tells everybody who listens.
package statistics

import (
	"context"
	"strconv"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/storage"
)

// Most is how many winners and how many places the statistics name.
const Most = 10

// Statistics are all counted fights.
type Statistics struct {
	Total    int64     // those included that can't be read
	Heroes   int64     // won by heroes
	Villains int64     // won by villains
	Since    time.Time // when the first of them was fought; the zero time when there is none
	Winners  []Winner  // at most Most, most wins first, then by name and team
	Places   []Place   // at most Most, most fights first, then by name
	Version  int64     // changes with every change
}

// Unreadable returns how many of the fights can't be read.
func (s Statistics) Unreadable() int64 { return Sums{s.Total, s.Heroes, s.Villains}.Unreadable() }

// Winner is a fighter that has won. Two of the same name in one team are one.
type Winner struct {
	Name string
	Team fight.Team
	Wins int64
}

// Place is a location that was fought at.
type Place struct {
	Name   string
	Fights int64
}

// AppendJSON appends the answer that a client gets, on one line.
func (s Statistics) AppendJSON(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"total":`...), s.Total, 10)
	dst = strconv.AppendInt(append(dst, `,"heroes":`...), s.Heroes, 10)
	dst = strconv.AppendInt(append(dst, `,"villains":`...), s.Villains, 10)
	if n := s.Unreadable(); n != 0 {
		dst = strconv.AppendInt(append(dst, `,"unreadable":`...), n, 10)
	}
	dst = append(dst, `,"since":`...)
	if s.Since.IsZero() {
		dst = append(dst, "null"...)
	} else {
		dst = s.Since.UTC().AppendFormat(append(dst, '"'), `2006-01-02T15:04:05.000Z"`)
	}
	dst = append(dst, `,"top_winners":[`...)
	for i, winner := range s.Winners {
		dst = catalog.AppendString(append(separated(dst, i), `{"name":`...), winner.Name)
		dst = catalog.AppendString(append(dst, `,"team":`...), string(winner.Team))
		dst = append(strconv.AppendInt(append(dst, `,"wins":`...), winner.Wins, 10), '}')
	}
	dst = append(dst, `],"locations":[`...)
	for i, place := range s.Places {
		dst = catalog.AppendString(append(separated(dst, i), `{"name":`...), place.Name)
		dst = append(strconv.AppendInt(append(dst, `,"fights":`...), place.Fights, 10), '}')
	}
	return append(dst, "]}"...)
}

// separated appends the comma before all but the first element of an array.
func separated(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

// Store counts fights where they are stored. All methods may be called concurrently, also by other processes.
type Store interface {
	// Count counts fights that aren't counted yet, a batch of them at most.
	Count(ctx context.Context) (Progress, error)
	// Read returns what is counted.
	Read(ctx context.Context) (Statistics, error)
	// Rebuild counts all fights anew, while fights go on, and corrects what differs.
	Rebuild(ctx context.Context) (Report, error)
	// Ping tells whether the store answers.
	Ping(ctx context.Context) error
}

// Progress is what came of one step.
type Progress struct {
	Version int64 // of the statistics; what was read under the same version needn't be read again
	Counted int   // fights, in this step
	More    bool  // there may be more to count at once
	Waiting bool  // another process counts; look again soon
	// Unreadable are those of the counted fights that can't be read.
	Unreadable []*storage.RowError
}

// Report tells what a rebuild found.
type Report struct {
	Fights           int64 // that were counted anew
	Total, Corrected Sums  // as they were, and as they are now
	Since            bool  // the first fight's date was another
	Winners, Places  int   // whose numbers were wrong
}

// Sums are the three numbers that belong together.
type Sums struct{ Total, Heroes, Villains int64 }

// Unreadable returns how many of the fights can't be read: all others were won by one side.
func (s Sums) Unreadable() int64 { return s.Total - s.Heroes - s.Villains }

// Differed tells whether anything had to be corrected.
func (r Report) Differed() bool {
	return r.Total != r.Corrected || r.Since || r.Winners > 0 || r.Places > 0
}
