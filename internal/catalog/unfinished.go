package catalog

import (
	"context"
	"errors"
	"fmt"

	"superheroes/internal/bounded"
	"superheroes/internal/storage"
)

// ErrUnfinished means that a list hit its deadline although the store responds: there is more to read than fits into
// the time.
var ErrUnfinished = errors.New("the list did not end before the request's deadline")

// unfinished returns the error for a list that fails after its first page.
func unfinished(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) || storage.KindOf(err) != nil || errors.As(err, new(*bounded.FullError)) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnfinished, err)
}
