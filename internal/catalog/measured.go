package catalog

import (
	"context"
	"errors"

	"superheroes/internal/storage"
)

// measured is a Store that measures and traces the operations of another Store. It is used only if metrics are on.
type measured[T Item] struct {
	Store[T]
	operations storage.Operations
}

// Get implements Store.
func (s *measured[T]) Get(ctx context.Context, id int64) (T, error) {
	ctx, operation := s.operations.Begin(ctx, "SELECT", "by id")
	item, err := s.Store.Get(ctx, id)
	failure := err
	if errors.Is(err, ErrNotFound) {
		failure = nil
	}
	operation.End(&failure)
	return item, err
}

// GetMany implements Store.
func (s *measured[T]) GetMany(ctx context.Context, ids []int64) (items []T, err error) {
	ctx, operation := s.operations.Begin(ctx, "SELECT", "by ids")
	defer operation.End(&err)
	return s.Store.GetMany(ctx, ids)
}

// Page implements Store.
func (s *measured[T]) Page(ctx context.Context, after int64, limit int) (page []T, err error) {
	ctx, operation := s.operations.Begin(ctx, "SELECT", "page")
	defer operation.End(&err)
	return s.Store.Page(ctx, after, limit)
}

// IDs implements Store.
func (s *measured[T]) IDs(ctx context.Context, known Version) (ids []int64, version Version, err error) {
	ctx, operation := s.operations.Begin(ctx, "SELECT", "ids")
	defer operation.End(&err)
	return s.Store.IDs(ctx, known)
}

// Write implements Store. Only failures of the store are recorded as such; a rejected edit, for example, isn't.
func (s *measured[T]) Write(ctx context.Context, id int64, change ChangeFunc[T]) (*T, error) {
	ctx, operation := s.operations.Begin(ctx, "UPDATE", "")
	item, err := s.Store.Write(ctx, id, change)
	failure := err
	if storage.KindOf(err) == nil && !errors.Is(err, ErrMaybeWritten) {
		failure = nil
	}
	operation.End(&failure)
	return item, err
}
