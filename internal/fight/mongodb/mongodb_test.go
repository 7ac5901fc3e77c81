package mongodb_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/fight/mongodb"
	"superheroes/internal/fight/storetest"
	"superheroes/internal/location"
	"superheroes/test/engines"
)

// open opens the strict store at a URL that names its database.
func open(tb testing.TB, address string) *mongodb.Store {
	tb.Helper()
	return openAs(tb, address, false)
}

// kinds tells by name whether a store is a grouped one.
func kinds() map[string]bool { return map[string]bool{"strict": false, "grouped": true} }

func openAs(tb testing.TB, address string, grouped bool) *mongodb.Store {
	tb.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	store, err := mongodb.Open(tb.Context(), mongodb.Config{URL: address, Database: strings.Trim(parsed.Path, "/"), PoolMax: 20, Grouped: grouped})
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

// newFight returns a fight that is decided now.
func newFight(ids *fight.IDs) fight.Fight {
	now, place := time.Now(), location.Locations().Example
	return fight.Decide(ids.Next(now), now, character.Heroes().Example, character.Villains().Example, &place)
}

func TestStore(t *testing.T) {
	for name, grouped := range kinds() {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(tb testing.TB) fight.Store { return openAs(tb, engines.MongoDB(tb), grouped) })
		})
	}
}
