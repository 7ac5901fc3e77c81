package mongodb

import (
	"net/url"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"superheroes/internal/fight"
	"superheroes/internal/fight/storetest"
	"superheroes/test/engines"
)

// open opens the strict store at a URL that names its database.
func open(tb testing.TB, address string) *Store {
	tb.Helper()
	return openAs(tb, address, false)
}

// kinds tells by name whether a store is a grouped one.
func kinds() map[string]bool { return map[string]bool{"strict": false, "grouped": true} }

func openAs(tb testing.TB, address string, grouped bool) *Store {
	tb.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	store, err := Open(tb.Context(), Config{URL: address, Database: strings.Trim(parsed.Path, "/"), PoolMax: 20, Grouped: grouped})
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

func TestStore(t *testing.T) {
	for name, grouped := range kinds() {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(tb testing.TB) fight.Store { return openAs(tb, engines.MongoDB(tb), grouped) })
		})
	}
}

// Another application may have left documents of its own in the collection.
func TestForeignDocuments(t *testing.T) {
	address := engines.MongoDB(t)
	store, ids := open(t, address), fight.NewIDs(fight.ID{})
	ours := storetest.NewFight(ids)
	if err := store.Insert(t.Context(), ours, ours.AppendJSON(nil)); err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(address))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(t.Context()) }()
	parsed, _ := url.Parse(address)
	fights := client.Database(strings.Trim(parsed.Path, "/")).Collection("fights")
	for _, foreign := range []bson.D{
		{{Key: "_id", Value: "zzz"}, {Key: "fight_date", Value: "2024-01-01T00:00:00"}},
		{{Key: "_id", Value: "ffffffff-ffff-4fff-bfff-fffffffffff0"}, {Key: "fight_date", Value: "yesterday"}},
		{{Key: "_id", Value: bson.NewObjectID()}},
	} {
		if _, err := fights.InsertOne(t.Context(), foreign); err != nil {
			t.Fatal(err)
		}
	}
	if last, err := store.Last(t.Context()); err != nil || last != ours.ID {
		t.Errorf("the last is %v, %v, want %v", last, err, ours.ID)
	}
	if page, err := store.Page(t.Context(), fight.MaxID(), 10); err != nil || len(page) != 1 || page[0].ID != ours.ID {
		t.Errorf("got %v, %v, want our fight alone", page, err)
	}
}
