//go:build !chaos_acknowledge_early && !chaos_drop_on_restart && !chaos_count_twice

package app

import (
	"context"

	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
)

// asBuilt returns an opened store as it is. A build with one of the tags above has a broken one in its place, which
// test/chaos must catch.
func asBuilt(_ context.Context, store *sqlite.Fights) fight.Store { return store }
