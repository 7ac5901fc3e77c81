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

// open opens the store at a URL that names its database.
func open(tb testing.TB, address string) *mongodb.Store {
	tb.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	store, err := mongodb.Open(tb.Context(), mongodb.Config{URL: address, Database: strings.Trim(parsed.Path, "/"), PoolMax: 20})
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
	storetest.Run(t, func(tb testing.TB) fight.Store { return open(tb, engines.MongoDB(tb)) })
}
