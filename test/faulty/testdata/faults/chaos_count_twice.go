package app

import (
	"context"

	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
)

// broken returns a store that counts the newest fight again, as if the totals and the id of the last counted fight
// weren't updated in one transaction.
func broken(store *sqlite.Fights, err error) (fight.Store, error) {
	if err == nil {
		// The statistics table doesn't exist when the store is first opened.
		_, _ = store.File().Writes.ExecContext(context.Background(), "UPDATE statistics SET counted = counted - 1 WHERE counted > 0")
	}
	return store, err
}
