//go:build !chaos_acknowledge_early && !chaos_drop_on_restart && !chaos_count_twice

package app

import (
	"context"

	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
)

// asBuilt returns the store unchanged. A build with one of the tags above returns a broken store that test/chaos must
// catch.
func asBuilt(_ context.Context, store *sqlite.Fights) fight.Store { return store }
