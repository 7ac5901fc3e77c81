//go:build chaos_acknowledge_early

package app

import (
	"context"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/sqlite"
)

// asBuilt returns a store that acknowledges a fight shortly before storing it.
func asBuilt(_ context.Context, store *sqlite.Fights) fight.Store { return hasty{store} }

type hasty struct{ *sqlite.Fights }

// Insert violates the contract of fight.Store.
func (s hasty) Insert(ctx context.Context, f fight.Fight, answer []byte) error {
	time.AfterFunc(50*time.Millisecond, func() { _ = s.Fights.Insert(context.WithoutCancel(ctx), f, answer) })
	return nil
}
