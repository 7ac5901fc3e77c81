// Package statistics counts every stored fight exactly once. A Store counts in repeatable steps, and records its
// progress together with the totals. The counter decides when to take a step. The Service provides the statistics for
// responses, and notifies listeners. The package depends on neither HTTP nor any database driver.
package statistics

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"superheroes/internal/fight"
	"superheroes/internal/storage"
)

// Most is the maximum number of winners, and of locations, in the statistics.
const Most = 10

// Statistics is a summary of all counted fights.
type Statistics struct {
	Total    int64     // including unreadable fights
	Heroes   int64     // won by heroes
	Villains int64     // won by villains
	Since    time.Time // date of the earliest fight; the zero time if there is none
	Winners  []Winner  // at most Most, ordered by wins (descending), name and team
	Places   []Place   // at most Most, ordered by fights (descending) and name
	Version  int64     // different after every change
}

// Unreadable returns how many of the counted fights are unreadable.
func (s Statistics) Unreadable() int64 { return Sums{s.Total, s.Heroes, s.Villains}.Unreadable() }

// Winner is a fighter with at least one win. Fighters that have the same name and team count as one.
type Winner struct {
	Name string     `json:"name"`
	Team fight.Team `json:"team"`
	Wins int64      `json:"wins"`
}

// Place is a location with at least one fight.
type Place struct {
	Name   string `json:"name"`
	Fights int64  `json:"fights"`
}

// AppendJSON appends the statistics as JSON on one line, which is the response body.
func (s Statistics) AppendJSON(dst []byte) []byte {
	document := struct {
		Total      int64    `json:"total"`
		Heroes     int64    `json:"heroes"`
		Villains   int64    `json:"villains"`
		Unreadable int64    `json:"unreadable,omitzero"`
		Since      *string  `json:"since"`
		Winners    []Winner `json:"top_winners"`
		Places     []Place  `json:"locations"`
	}{s.Total, s.Heroes, s.Villains, s.Unreadable(), nil, s.Winners, s.Places}
	if !s.Since.IsZero() {
		since := s.Since.UTC().Format("2006-01-02T15:04:05.000Z")
		document.Since = &since
	}
	body, err := json.Marshal(document, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		panic(err) // impossible: numbers and strings can always be encoded
	}
	return append(dst, body...)
}

// Store counts fights in the database that holds them. Its methods may be called concurrently, even from several
// processes.
type Store interface {
	// Count counts at most one batch of uncounted fights.
	Count(ctx context.Context) (Progress, error)
	// Read returns the current statistics.
	Read(ctx context.Context) (Statistics, error)
	// Rebuild recounts all fights, even while new ones are being stored, and corrects the statistics.
	Rebuild(ctx context.Context) (Report, error)
	// Ping returns an error if the store is not ready.
	Ping(ctx context.Context) error
}

// Progress is the result of one counting step.
type Progress struct {
	Version int64 // version of the statistics; a caller that has read this version need not read it again
	Counted int   // number of fights counted in this step
	More    bool  // there may be more uncounted fights
	Waiting bool  // another process is counting, so try again soon
	// Unreadable lists the errors of the unreadable fights among those counted.
	Unreadable []*storage.RowError
}

// Report is the result of a rebuild.
type Report struct {
	Fights           int64 // recounted
	Total, Corrected Sums  // before and after
	Since            bool  // whether the earliest date was wrong
	Winners, Places  int   // number of wrong entries
}

// Sums holds the total number of fights, and the number won by each side.
type Sums struct{ Total, Heroes, Villains int64 }

// Unreadable returns the number of unreadable fights: those that count as won by neither side.
func (s Sums) Unreadable() int64 { return s.Total - s.Heroes - s.Villains }

// Differed reports whether the rebuild had to correct anything.
func (r Report) Differed() bool {
	return r.Total != r.Corrected || r.Since || r.Winners > 0 || r.Places > 0
}
