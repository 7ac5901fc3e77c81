package catalog

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// pageSize is how many rows of a list are read at a time, so that a slow client occupies no connection of the pool and
// the memory for a list doesn't grow with the table.
const pageSize = 500

// Service serves one catalog from its store. Close stops its background work.
type Service[T Item] struct {
	Kind Kind[T]
	*Picker[T]
}

// NewService returns the service of a catalog. It caches the rows as NewPicker does. It must be closed before its
// store.
func NewService[T Item](kind Kind[T], store Store[T], limit int64) *Service[T] {
	return &Service[T]{kind, NewPicker(store, limit)}
}

// Random picks one item, each equally likely.
func (s *Service[T]) Random(ctx context.Context) (T, error) {
	item, err := s.Picker.Random(ctx)
	if err != nil {
		return item, fmt.Errorf("picking a %s: %w", s.Kind.Singular, err)
	}
	return item, nil
}

// RandomJSON picks one item, each equally likely, and returns its JSON. The bytes must not be modified.
func (s *Service[T]) RandomJSON(ctx context.Context) ([]byte, error) {
	body, err := s.Picker.RandomJSON(ctx)
	if err != nil {
		return nil, fmt.Errorf("picking a %s: %w", s.Kind.Singular, err)
	}
	return body, nil
}

// MaxBatch is the maximum number of items per batch.
const MaxBatch = 128

// RandomBatch picks n items, like Picker.RandomBatch.
func (s *Service[T]) RandomBatch(ctx context.Context, n int) (array []byte, age time.Duration, err error) {
	if array, age, err = s.Picker.RandomBatch(ctx, n); err != nil {
		return nil, 0, fmt.Errorf("picking %d %s: %w", n, s.Kind.Plural, err)
	}
	return array, age, nil
}

// Get returns the item with the id, or ErrNotFound.
func (s *Service[T]) Get(ctx context.Context, id int64) (T, error) {
	item, err := s.store.Get(ctx, id)
	if err != nil {
		return item, fmt.Errorf("reading %s %d: %w", s.Kind.Singular, id, err)
	}
	return item, nil
}

// Write changes one item, like Store.Write. Every later pick of this process sees the change.
func (s *Service[T]) Write(ctx context.Context, id int64, change func(old *T) (*T, error)) (*T, error) {
	item, err := s.Picker.Write(ctx, id, change)
	if err != nil {
		return nil, fmt.Errorf("writing a %s: %w", s.Kind.Singular, err)
	}
	return item, nil
}

// Selection selects items of a catalog.
type Selection struct {
	After int64  // only ids greater than this
	Limit int64  // at most this many, 0 for all
	Name  string // only names that contain this, ignoring case
}

// Pages yields the selected items by id, in pages of bounded size. step returns the context for each read of the store.
func (s *Service[T]) Pages(sel Selection, step func() (context.Context, context.CancelFunc)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		match, left := NewMatch(sel.Name), sel.Limit
		for after := sel.After; ; {
			size := pageSize
			if sel.Name == "" && sel.Limit > 0 {
				size = int(min(left, pageSize))
			}
			page, err := s.page(step, after, size)
			if err != nil {
				if after > sel.After {
					err = unfinished(err)
				}
				yield(nil, err)
				return
			}
			last := len(page) < size
			if !last {
				after = page[len(page)-1].Key()
			}
			if sel.Name != "" {
				page = matching(page, match)
			}
			if sel.Limit > 0 {
				page = page[:min(int64(len(page)), left)]
				left -= int64(len(page))
				last = last || left == 0
			}
			if !yield(page, nil) || last {
				return
			}
		}
	}
}

func (s *Service[T]) page(step func() (context.Context, context.CancelFunc), after int64, size int) ([]T, error) {
	ctx, cancel := step()
	defer cancel()
	page, err := s.store.Page(ctx, after, size)
	if err != nil {
		return nil, fmt.Errorf("reading a page of %s: %w", s.Kind.Plural, err)
	}
	return page, nil
}

func matching[T Item](page []T, match Match) []T {
	found := page[:0]
	for _, item := range page {
		if match.Name(item.Label()) {
			found = append(found, item)
		}
	}
	return found
}
