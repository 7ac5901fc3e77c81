package catalog

import (
	"context"
	"errors"
	"fmt"

	"superheroes/internal/bounded"
	"superheroes/internal/storage"
)

// ErrUnfinished means that the deadline passed within a list whose store answers: there is more to read than there was time.
var ErrUnfinished = errors.New("the list did not end before the request's deadline")

// unfinished returns the error of a list of which a page has been read already.
func unfinished(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) || storage.KindOf(err) != nil || errors.As(err, new(*bounded.FullError)) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnfinished, err)
}
