//go:build chaos_drop_on_restart

package app

import (
	"context"

	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
)

// asBuilt returns a store that has lost its newest fight while it was closed.
func asBuilt(ctx context.Context, store *sqlite.Fights) fight.Store {
	_, _ = store.File().Writes.ExecContext(ctx, "DELETE FROM fight WHERE number = (SELECT max(number) FROM fight)")
	return store
}
