//go:build chaos_acknowledge_early

package app

import (
	"context"
	"time"

	"superheroes/internal/fight"
	fightsqlite "superheroes/internal/fight/sqlite"
)

// asBuilt returns a store that acknowledges a fight a moment before it stores it.
func asBuilt(_ context.Context, store *fightsqlite.Store) fight.Store { return hasty{store} }

type hasty struct{ *fightsqlite.Store }

// Insert breaks the promise of fight.Store.
func (s hasty) Insert(ctx context.Context, f fight.Fight, answer []byte) error {
	time.AfterFunc(50*time.Millisecond, func() { _ = s.Store.Insert(context.WithoutCancel(ctx), f, answer) })
	return nil
}
