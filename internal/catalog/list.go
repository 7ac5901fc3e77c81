package catalog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	"superheroes/internal/bounded"
	"superheroes/internal/storage"
)

// pageSize is the number of rows that a list reads at a time, so that a slow client doesn't hold a database
// connection and memory use is independent of the table's size.
const pageSize = 500

// Get returns the item with the given id, or ErrNotFound.
func (s *Service[T]) Get(ctx context.Context, id int64) (T, error) {
	item, err := s.store.Get(ctx, id)
	if err != nil {
		return item, fmt.Errorf("reading %s %d: %w", s.Kind.Singular, id, err)
	}
	return item, nil
}

// Count returns the number of items with an id greater than after. Like a pick, it may miss what other processes changed
// within the last MaxAge, or, in a large table, since the latest ids were read.
func (s *Service[T]) Count(ctx context.Context, after int64) (int, error) {
	if s.now()-s.current.Load().epoch.checked >= MaxAge {
		if err := s.await(ctx); err != nil {
			return 0, fmt.Errorf("counting %s: %w", s.Kind.Plural, err)
		}
	}
	ids := s.current.Load().ids
	at, found := slices.BinarySearch(ids, after)
	if found {
		at++
	}
	return len(ids) - at, nil
}

// Selection selects items from a catalog.
type Selection struct {
	After int64  // only items with an id greater than this one
	Limit int64  // maximum number of items, 0 for all
	Name  string // only items whose names contain this string, ignoring case
}

// Pages yields the selected items, ordered by id, in pages of bounded size. step returns the context for each read from
// the store.
func (s *Service[T]) Pages(sel Selection, step func() (context.Context, context.CancelFunc)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		part, left := fold(sel.Name), sel.Limit
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
				page = slices.DeleteFunc(page, func(item T) bool { return !matches(item.Label(), part) })
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

// ErrUnfinished means that a list hit its deadline even though the store is responding: the list is too long for the
// time allowed.
var ErrUnfinished = errors.New("the listing did not finish before the request's deadline")

// unfinished returns the error for a list that fails after its first page.
func unfinished(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) || storage.KindOf(err) != nil || errors.As(err, new(*bounded.FullError)) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnfinished, err)
}

// matches reports whether a name contains a string that is already case-folded. Only case is ignored: accents,
// combining marks, % and _ are significant. Filtering is not left to the stores, so that all of them give the same
// results: lower() and LIKE depend on each engine's locale and collation.
func matches(name, folded string) bool { return strings.Contains(fold(name), folded) }

// fold maps each letter to the lowest code point among its case variants (Unicode's simple case folding).
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		lowest := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			lowest = min(lowest, next)
		}
		return lowest
	}, text)
}
