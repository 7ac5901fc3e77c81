package mongodb

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/location"
)

// response returns the driver's error for a response to the insertion of three documents. In text, each letter is the
// result of a document: stored (s), duplicate (d) or invalid (i); an exclamation mark means that replication timed out.
func response(text string) error {
	codes := map[rune]int{'d': 11000, 'i': 121}
	var exception mongo.WriteException
	for i, result := range text {
		if code := codes[result]; code != 0 {
			exception.WriteErrors = append(exception.WriteErrors, mongo.WriteError{Index: i, Code: code, Message: "refused"})
		}
	}
	slices.Reverse(exception.WriteErrors) // servers may list the errors in any order
	if strings.HasSuffix(text, "!") {
		exception.WriteConcernError = &mongo.WriteConcernError{Code: 64, Message: "waiting for replication timed out"}
	} else if exception.WriteErrors == nil {
		return nil
	}
	return exception
}

// After each sequence of responses, three documents have the expected results, and the uncertain documents are sent
// again.
func TestOutcomes(t *testing.T) {
	broken, noServer, noConnection := errors.New("broken"), topology.ServerSelectionError{}, topology.WaitQueueTimeoutError{}
	for _, test := range []struct {
		name          string
		answers       []error
		open, refused []int
	}{
		{"all are stored", []error{response("sss")}, nil, nil},
		{"one is a duplicate", []error{response("sds")}, nil, []int{1}},
		{"two are refused", []error{response("dsi")}, nil, []int{0, 2}},
		{"no server was reachable", []error{noServer}, nil, []int{0, 1, 2}},
		{"no connection was free", []error{noConnection}, nil, []int{0, 1, 2}},
		{"broken connection, then all stored", []error{broken, response("sss")}, nil, nil},
		{"broken connection, then duplicates", []error{broken, response("dsd")}, nil, nil},
		{"broken connection, then one refused but possibly stored", []error{broken, response("sis")}, []int{1}, nil},
		{"broken connection, then no reachable server", []error{broken, noServer}, []int{0, 1, 2}, nil},
		{"not durable yet", []error{response("sss!")}, []int{0, 1, 2}, nil},
		{"replication timed out, one refused", []error{response("sds!")}, []int{0, 2}, []int{1}},
		{"replication timed out, one refused, then duplicates", []error{response("iss!"), response("dd")}, nil, []int{0}},
		{"never durable, one refused", []error{response("iss!"), response("ds!")}, []int{1, 2}, []int{0}},
		{"an error for an index that was not sent", []error{response("sssssssd")}, nil, nil},
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
			if !slices.Equal(o.open, test.open) || !slices.Equal(refused, test.refused) {
				t.Errorf("uncertain documents %v and refused documents %v, want %v and %v", o.open, refused, test.open, test.refused)
			}
		})
	}
}

// example returns a fight that contains unusual strings and large numbers.
func example(place *location.Location) fight.Fight {
	hero, villain := character.Heroes().Example, character.Villains().Example
	hero.ID, hero.Level, hero.OtherName, villain.Powers = 1<<63-1, 1<<31-1, "🦸🏽\x00", strings.Repeat("é", 5000)
	at := time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)
	return fight.Decide(fight.NewIDs(fight.ID{}).Next(at), at, hero, villain, place)
}

// The stored document has the same content as the fight's JSON, except that the id is named _id, and that dates and
// integers have BSON types.
func TestDocumentIsTheJSON(t *testing.T) {
	gotham := location.Locations().Example
	types := regexp.MustCompile(`("\w*level":)\{"\$numberInt":"(\d+)"\}|("id":)\{"\$numberLong":"(\d+)"\}`)
	for name, f := range map[string]fight.Fight{"with a place": example(&gotham), "with no place": example(nil)} {
		t.Run(name, func(t *testing.T) {
			extended, err := bson.MarshalExtJSON(bson.Raw(appendDocument(nil, f)), true, false)
			if err != nil {
				t.Fatal(err)
			}
			date := fmt.Sprintf(`{"$date":{"$numberLong":"%d"}}`, f.Date.UnixMilli())
			got := strings.NewReplacer(`{"_id":`, `{"id":`, date, `"2026-01-02T15:04:05.678Z"`).Replace(string(extended))
			got = types.ReplaceAllString(got, "$1$3$2$4")
			if want := string(f.AppendJSON(nil)); got != want {
				t.Errorf("stored %s\nfor    %s", got, want)
			}
		})
	}
}

// BenchmarkDocument compares building a document by hand with the driver's encoder, which uses reflection.
func BenchmarkDocument(b *testing.B) {
	f := fighttest.Fights(1)[0]
	var fields bson.D
	if err := bson.Unmarshal(appendDocument(nil, f), &fields); err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = appendDocument(make([]byte, 0, usualSize), f)
		}
	})
	b.Run("driver", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bson.Marshal(fields); err != nil {
				b.Fatal(err)
			}
		}
	})
}
