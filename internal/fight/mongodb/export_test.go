package mongodb

import (
	"context"

	"superheroes/internal/fight"
	"superheroes/internal/fight/groupcommit"
)

// InsertBatch stores fights as one batch of a group, and returns what became of each.
func (s *Store) InsertBatch(ctx context.Context, fights []fight.Fight) []error {
	var batch []groupcommit.Document
	for _, f := range fights {
		batch = append(batch, groupcommit.Document{ID: f.ID, Bytes: appendDocument(nil, f)})
	}
	return s.write(ctx, batch)
}
