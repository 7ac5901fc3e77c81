package httpserver

import (
	"sync"

	"superheroes/internal/storage"
)

// maxBadRows bounds the memory of badRows. Rows beyond it are not logged.
const maxBadRows = 1000

// badRows remembers which rows were logged because they can't be read, so that each is logged once. Its methods may be
// called concurrently.
type badRows struct {
	mu   sync.Mutex
	seen map[badRow]bool
}

type badRow struct{ what, id string }

// first reports whether the row was not seen before.
func (b *badRows) first(row *storage.RowError) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := badRow{row.What, row.ID}
	if b.seen[key] || len(b.seen) >= maxBadRows {
		return false
	}
	if b.seen == nil {
		b.seen = map[badRow]bool{}
	}
	b.seen[key] = true
	return true
}
