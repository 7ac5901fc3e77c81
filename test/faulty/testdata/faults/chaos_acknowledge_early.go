package app

import (
	"context"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
)

// broken returns a store that acknowledges a fight shortly before storing it.
func broken(store *sqlite.Fights, err error) (fight.Store, error) { return hasty{store}, err }

type hasty struct{ *sqlite.Fights }

func (s hasty) Insert(ctx context.Context, f fight.Fight, answer []byte) error {
	time.AfterFunc(50*time.Millisecond, func() { _ = s.Fights.Insert(context.WithoutCancel(ctx), f, answer) })
	return nil
}
