package app

import (
	"context"

	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
)

// broken returns a store that loses its newest fight whenever it is opened.
func broken(store *sqlite.Fights, err error) (fight.Store, error) {
	if err == nil {
		_, _ = store.File().Writes.ExecContext(context.Background(), "DELETE FROM fight WHERE number = (SELECT max(number) FROM fight)")
	}
	return store, err
}
