//go:build chaos_count_twice

package app

import (
	"context"

	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
)

// asBuilt returns a store whose statistics have forgotten that they counted the newest fight, as they would if the totals
// and the number of the last fight counted didn't change in one transaction.
func asBuilt(ctx context.Context, store *sqlite.Fights) fight.Store {
	// At the first start there is no such table.
	_, _ = store.File().Writes.ExecContext(ctx, "UPDATE statistics SET counted = counted - 1 WHERE counted > 0")
	return store
}
