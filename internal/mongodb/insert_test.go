package mongodb

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
)

const duplicateKey = 11000

// answer returns a server's response that refuses the documents at these positions with these codes.
func answer(concern bool, refused map[int]int) error {
	var exception mongo.WriteException
	for place, code := range refused {
		exception.WriteErrors = append(exception.WriteErrors, mongo.WriteError{Index: place, Code: code, Message: "refused"})
	}
	if concern {
		exception.WriteConcernError = &mongo.WriteConcernError{Code: 64, Message: "waiting for replication timed out"}
	}
	return exception
}

// The results of three documents, and which of them are sent again, after each response.
func TestOutcomes(t *testing.T) {
	broken, noServer, noConnection := errors.New("the connection broke"), topology.ServerSelectionError{}, topology.WaitQueueTimeoutError{}
	const invalid = 121
	for _, test := range []struct {
		name       string
		answers    []error
		openFights []int
		refused    []int
	}{
		{"all are stored", []error{nil}, nil, nil},
		{"one is a duplicate", []error{answer(false, map[int]int{1: duplicateKey})}, nil, []int{1}},
		{"two are refused, in any order", []error{answer(false, map[int]int{2: invalid, 0: duplicateKey})}, nil, []int{0, 2}},
		{"no server was reachable", []error{noServer}, nil, []int{0, 1, 2}},
		{"no connection was free", []error{noConnection}, nil, []int{0, 1, 2}},
		{"the connection broke", []error{broken}, []int{0, 1, 2}, nil},
		{"broken connection, then all are stored", []error{broken, nil}, nil, nil},
		{"broken connection, then duplicates are reported", []error{broken, answer(false, map[int]int{0: duplicateKey, 2: duplicateKey})}, nil, nil},
		{"broken connection, then one is refused, which the first command may still store", []error{broken, answer(false, map[int]int{1: invalid})}, []int{1}, nil},
		{"broken connection, then no server was reachable", []error{broken, noServer}, []int{0, 1, 2}, nil},
		{"not durable yet", []error{answer(true, nil)}, []int{0, 1, 2}, nil},
		{"not durable yet, one refused", []error{answer(true, map[int]int{1: duplicateKey})}, []int{0, 2}, []int{1}},
		{"not durable yet, one refused, then duplicates are reported", []error{answer(true, map[int]int{0: invalid}), answer(false, map[int]int{0: duplicateKey, 1: duplicateKey})}, nil, []int{0}},
		{"not durable yet, then duplicates that aren't durable either", []error{answer(true, map[int]int{0: invalid}), answer(true, map[int]int{0: duplicateKey})}, []int{1, 2}, []int{0}},
		{"a position that was not sent", []error{answer(false, map[int]int{7: duplicateKey})}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := outcomes{errs: make([]error, 3), open: []int{0, 1, 2}}
			for _, err := range test.answers {
				o.settle(err)
			}
			var refused []int
			for i, err := range o.errs {
				if err != nil {
					refused = append(refused, i)
				}
			}
			if !slices.Equal(o.open, test.openFights) || !slices.Equal(refused, test.refused) {
				t.Errorf("open %v and refused %v, want %v and %v", o.open, refused, test.openFights, test.refused)
			}
		})
	}
}

// example returns a fight with unusual strings and large numbers.
func example(place *location.Location) fight.Fight {
	hero, villain := character.Heroes().Example, character.Villains().Example
	hero.ID, hero.Level, hero.OtherName, villain.Powers = 1<<63-1, 1<<31-1, "🦸🏽\x00\u2028", strings.Repeat("é", 5000)
	at := time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)
	return fight.Decide(fight.NewIDs(fight.ID{}).Next(at), at, hero, villain, place)
}

// document has the fields of a stored fight. The id is a string, as clients see it.
type document struct {
	ID            string    `bson:"_id"`
	Date          time.Time `bson:"fight_date"`
	WinnerName    string    `bson:"winner_name"`
	WinnerLevel   int32     `bson:"winner_level"`
	WinnerPowers  string    `bson:"winner_powers"`
	WinnerPicture string    `bson:"winner_picture"`
	WinnerTeam    string    `bson:"winner_team"`
	LoserName     string    `bson:"loser_name"`
	LoserLevel    int32     `bson:"loser_level"`
	LoserPowers   string    `bson:"loser_powers"`
	LoserPicture  string    `bson:"loser_picture"`
	LoserTeam     string    `bson:"loser_team"`
	Hero          fighter   `bson:"hero"`
	Villain       fighter   `bson:"villain"`
	Location      *place    `bson:"location"`
}

type fighter struct {
	ID        int64  `bson:"id"`
	Name      string `bson:"name"`
	OtherName string `bson:"otherName"`
	Level     int32  `bson:"level"`
	Picture   string `bson:"picture"`
	Powers    string `bson:"powers"`
}

type place struct {
	ID          int64  `bson:"id"`
	Name        string `bson:"name"`
	Description string `bson:"description"`
	Picture     string `bson:"picture"`
	Type        string `bson:"type"`
}

// appendDocument writes the same bytes as the driver does for the values read back from them, so no field is missing,
// duplicated or of another type.
func TestDocumentBytes(t *testing.T) {
	gotham := location.Locations().Example
	for name, f := range map[string]fight.Fight{"with a place": example(&gotham), "with no place": example(nil)} {
		t.Run(name, func(t *testing.T) {
			written := appendDocument(nil, f)
			var read document
			if err := bson.Unmarshal(written, &read); err != nil {
				t.Fatal(err)
			}
			again, err := bson.Marshal(read)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(written, again) {
				t.Errorf("wrote %s\nthe driver %s", bson.Raw(written), bson.Raw(again))
			}
		})
	}
}

// BenchmarkDocument compares the cost of building a document by hand and by the driver's reflection.
func BenchmarkDocument(b *testing.B) {
	place := location.Locations().Example
	now := time.Now()
	f := fight.Decide(fight.NewIDs(fight.ID{}).Next(now), now, character.Heroes().Example, character.Villains().Example, &place)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = appendDocument(make([]byte, 0, usualSize), f)
		}
	})
	b.Run("driver", func(b *testing.B) {
		var stored document
		if err := bson.Unmarshal(appendDocument(nil, f), &stored); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bson.Marshal(stored); err != nil {
				b.Fatal(fmt.Errorf("marshalling: %w", err))
			}
		}
	})
}
