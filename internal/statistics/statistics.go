// Package statistics counts every stored fight exactly once. A Store counts in repeatable steps and records its
// progress together with the totals, the counter decides when to take a step, and the Service answers requests and
// notifies listeners. The package knows neither HTTP nor any database driver.
package statistics

import (
	"context"
	"strconv"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/storage"
)

// Most is the maximum number of winners and of locations in the statistics.
const Most = 10

// Statistics summarise all counted fights.
type Statistics struct {
	Total    int64     // including fights that can't be read
	Heroes   int64     // won by heroes
	Villains int64     // won by villains
	Since    time.Time // date of the earliest fight; the zero time if there is none
	Winners  []Winner  // at most Most, ordered by wins (descending), name and team
	Places   []Place   // at most Most, ordered by fights (descending) and name
	Version  int64     // different after every change
}

// Unreadable returns how many of the fights can't be read.
func (s Statistics) Unreadable() int64 { return Sums{s.Total, s.Heroes, s.Villains}.Unreadable() }

// Winner is a fighter with at least one win. Fighters with the same name and team count as one.
type Winner struct {
	Name string
	Team fight.Team
	Wins int64
}

// Place is a location with at least one fight.
type Place struct {
	Name   string
	Fights int64
}

// AppendJSON appends the response body, on one line.
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

// separated appends a comma except before the first element of an array.
func separated(dst []byte, i int) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return dst
}

// Store counts fights in the database that holds them. All methods may be called concurrently, and by several
// processes.
type Store interface {
	// Count counts at most one batch of fights that aren't counted yet.
	Count(ctx context.Context) (Progress, error)
	// Read returns the current statistics.
	Read(ctx context.Context) (Statistics, error)
	// Rebuild recounts all fights while new ones are stored, and corrects any differences.
	Rebuild(ctx context.Context) (Report, error)
	// Ping returns an error unless the store responds.
	Ping(ctx context.Context) error
}

// Progress is the result of one step.
type Progress struct {
	Version int64 // of the statistics; the same version needn't be read again
	Counted int   // fights counted in this step
	More    bool  // there may be more to count right now
	Waiting bool  // another process is counting; try again soon
	// Unreadable lists the counted fights that can't be read.
	Unreadable []*storage.RowError
}

// Report is the result of a rebuild.
type Report struct {
	Fights           int64 // recounted
	Total, Corrected Sums  // before and after
	Since            bool  // the earliest date was wrong
	Winners, Places  int   // number of wrong entries
}

// Sums are the three totals that belong together.
type Sums struct{ Total, Heroes, Villains int64 }

// Unreadable returns how many of the fights can't be read: one side has won every other fight.
func (s Sums) Unreadable() int64 { return s.Total - s.Heroes - s.Villains }

// Differed reports whether anything had to be corrected.
func (r Report) Differed() bool {
	return r.Total != r.Corrected || r.Since || r.Winners > 0 || r.Places > 0
}
