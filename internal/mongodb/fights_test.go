package mongodb

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/statistics/statisticstest"
	"superheroes/internal/storage"
	"superheroes/test/engines"
)

// kinds lists the kinds of store by name. The value is true if the store groups inserts.
func kinds() map[string]bool { return map[string]bool{"strict": false, "grouped": true} }

// openAs opens a store at a URL that names the database.
func openAs(tb testing.TB, address string, grouped bool) *Fights {
	tb.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	cfg := Config{URL: address, Database: strings.Trim(parsed.Path, "/"), PoolMax: 20, Grouped: grouped}
	store, err := OpenFights(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return store
}

// A page leaves no cursor open on the server: it takes a single command, even if it is full.
func TestPageIsOneCommand(t *testing.T) {
	address := engines.MongoDB(t)
	store := openAs(t, address, false)
	for _, f := range statisticstest.Fights(3) {
		if err := store.Insert(t.Context(), f, nil); err != nil {
			t.Fatal(err)
		}
	}
	var commands []string
	store.fights = observed(t, address, func(_ context.Context, command bson.Raw) {
		commands = append(commands, command.Index(0).Key())
	}, func() {}).Collection(collection)
	for _, limit := range []int{1, 3, 9} {
		page, err := store.Page(t.Context(), fight.MaxID(), limit)
		if want := min(limit, 3); err != nil || len(page) != want || !slices.Equal(commands, []string{"find"}) {
			t.Errorf("at most %d fights: got %d, %v, with the commands %v", limit, len(page), err, commands)
		}
		commands = nil
	}
}

func TestFights(t *testing.T) {
	for name, grouped := range kinds() {
		t.Run(name, func(t *testing.T) {
			fighttest.Run(t, func(tb testing.TB) fight.Store { return openAs(tb, engines.MongoDB(tb), grouped) })
		})
	}
}

func BenchmarkInsert(b *testing.B) {
	fighttest.BenchmarkInsert(b, func(tb testing.TB, grouped bool) fight.Store {
		return openAs(tb, engines.MongoDB(tb), grouped)
	})
}

// foreign returns documents that other applications may have left in the collection. None of these documents counts as
// a fight, because their ids aren't lowercase UUID strings.
func foreign() (documents []bson.D) {
	for _, id := range []any{
		bson.NewObjectID(), int64(5), time.Now(), bson.D{{Key: "a", Value: 1}}, bson.Binary{Subtype: 4, Data: make([]byte, 16)},
		"zzz", "", "0198C5A7-1F2E-7C3A-9D10-2B6F6F1D2C4E", "{0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4e}",
		"0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4e\n", "0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4e0", fight.MaxID().String(),
	} {
		documents = append(documents, fightBy(id))
	}
	return append(documents, bson.D{{Key: "fightDate", Value: time.Now()}, {Key: "winnerName", Value: "a Quarkus fight"}})
}

// fightBy returns a fight's document as another program might write it: with only the mandatory fields, and with the
// changes applied.
func fightBy(id any, changes ...bson.E) bson.D {
	document := bson.D{
		{Key: "_id", Value: id}, {Key: "fight_date", Value: time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)},
		{Key: "winner_team", Value: "villains"},
		{Key: "hero", Value: bson.M{"name": "Yoda"}}, {Key: "villain", Value: bson.M{"name": "Thanos"}},
	}
	for _, change := range changes {
		document = slices.DeleteFunc(document, func(e bson.E) bool { return e.Key == change.Key })
	}
	return append(document, changes...)
}

// Fights written by other programs are read if possible; otherwise, the error names the fight.
func TestFightsOfOthers(t *testing.T) {
	const id = "9b2e1f2e-0c3a-4c3a-8d10-2b6f6f1d2c4e"
	of := func(field string, value any) bson.E { return bson.E{Key: field, Value: value} }
	whole := func(changes ...bson.E) bson.D { return fightBy(id, changes...) }
	person := func(fields ...bson.E) bson.D { return append(bson.D{of("name", "Yoda")}, fields...) }
	for name, c := range map[string]struct {
		document bson.D
		wrong    string // expected in the error; "" if the fight is readable
	}{
		"only the mandatory fields":     {whole(), ""},
		"numbers from JavaScript":       {whole(of("hero", person(of("level", 7.0), of("id", 3.0)))), ""},
		"additional fields":             {whole(of("_class", "x"), of("counted", "?"), of("hero", person(of("age", 900)))), ""},
		"nulls":                         {whole(of("location", nil), of("hero", person(of("level", nil), of("powers", nil)))), ""},
		"an empty name":                 {whole(of("hero", bson.D{of("name", "")})), ""},
		"copies of other types":         {whole(of("winner_name", 5), of("loser_level", "x")), ""},
		"no fields at all":              {bson.D{of("_id", id)}, "fight_date is missing"},
		"a date as a string":            {whole(of("fight_date", "2026-01-02T15:04:05Z")), "fight_date has the BSON type string"},
		"a date out of range":           {whole(of("fight_date", bson.DateTime(1<<62))), "fight_date is in the year"},
		"no team":                       {whole(of("winner_team", nil)), "winner_team"},
		"another team":                  {whole(of("winner_team", "HEROES")), "winner_team"},
		"a team as a number":            {whole(of("winner_team", 1)), "winner_team has the BSON type"},
		"a hero as a string":            {whole(of("hero", "Yoda")), "hero has the BSON type string"},
		"no villain":                    {whole(of("villain", nil)), "villain is missing"},
		"a hero without a name":         {whole(of("hero", bson.D{of("level", 1)})), "hero.name is missing"},
		"a name as a number":            {whole(of("villain", bson.D{of("name", 1)})), "villain.name has the BSON type"},
		"a level as a string":           {whole(of("hero", person(of("level", "7")))), "hero.level has the BSON type string"},
		"a level with a fraction":       {whole(of("hero", person(of("level", 7.5)))), "hero.level has the BSON type double"},
		"a level wider than 32 bits":    {whole(of("hero", person(of("level", int64(5_000_000_000))))), "hero.level is 5000000000"},
		"not UTF-8":                     {whole(of("hero", person(of("powers", "\xff")))), "hero.powers is not UTF-8"},
		"a location as a string":        {whole(of("location", "Gotham City")), "location has the BSON type string"},
		"a location's name as a number": {whole(of("location", bson.D{of("name", 5)})), "location.name has the BSON type"},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := bson.Marshal(c.document)
			if err != nil {
				t.Fatal(err)
			}
			f, err := parseFight(raw)
			var row *storage.RowError
			named := errors.As(err, &row) && row.What == "fight" && row.ID == id
			switch {
			case c.wrong == "" && (err != nil || f.ID.String() != id || f.Winner != fight.Villains || f.Villain.Name != "Thanos"):
				t.Errorf("got %+v, %v", f, err)
			case c.wrong != "" && (!named || !strings.Contains(row.Err.Error(), c.wrong)):
				t.Errorf("got %v, want %q", err, c.wrong)
			}
		})
	}
}

// All operations ignore documents of other applications that aren't fights. An unreadable fight is counted, and doesn't
// affect other fights.
func TestDocumentsOfOthers(t *testing.T) {
	store := openAs(t, engines.MongoDB(t), false)
	ours := fighttest.Fights(3)
	for _, f := range ours {
		if err := store.Insert(t.Context(), f, nil); err != nil {
			t.Fatal(err)
		}
	}
	readable, unreadable := "9b2e1f2e-0c3a-4c3a-8d10-2b6f6f1d2c4e", "8b2e1f2e-0c3a-4c3a-8d10-2b6f6f1d2c4e"
	others := []bson.D{fightBy(readable), fightBy(unreadable, bson.E{Key: "hero", Value: "Yoda"})}
	for _, document := range append(others, foreign()...) {
		if _, err := store.fights.InsertOne(t.Context(), document); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []fight.ID{fight.MaxID(), {}} {
		if f, err := store.Get(t.Context(), id); !errors.Is(err, fight.ErrNotFound) {
			t.Errorf("Get: %v, %v", f, err)
		}
	}
	id, _ := fight.ParseID(unreadable)
	var row *storage.RowError
	if f, err := store.Get(t.Context(), id); !errors.As(err, &row) || row.ID != unreadable {
		t.Errorf("Get: %v, %v", f, err)
	}
	page, err := store.Page(t.Context(), fight.MaxID(), 9)
	if !errors.As(err, &row) || row.ID != unreadable || len(page) != 1 || page[0].ID.String() != readable {
		t.Errorf("Page: %v, %v", page, err)
	}
	page, err = store.Page(t.Context(), fight.MaxID(), 1)
	if err != nil || len(page) != 1 || page[0].ID.String() != readable {
		t.Errorf("the page before the unreadable fight: %v, %v", page, err)
	}
	if page, err := store.Page(t.Context(), id, 9); err != nil || len(page) != len(ours) {
		t.Errorf("the page after the unreadable fight: %v, %v", page, err)
	}
	if n, err := store.Count(t.Context()); n != 5 || err != nil {
		t.Errorf("Count: %d, %v", n, err)
	}
	if last, err := store.Last(t.Context()); last != ours[2].ID || err != nil {
		t.Errorf("Last: %s, %v", last, err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}
