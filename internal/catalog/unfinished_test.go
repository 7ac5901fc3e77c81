package catalog

import (
	"context"
	"errors"
	"testing"

	"superheroes/internal/bounded"
	"superheroes/internal/storage"
)

// TestListThatRunsOutOfTime checks that a list that runs out of time after its first page fails with ErrUnfinished,
// unless the store or other lists caused the delay.
func TestListThatRunsOutOfTime(t *testing.T) {
	late := context.DeadlineExceeded
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"the deadline has passed":   {late, true},
		"too many concurrent lists": {&bounded.FullError{Kind: "lists", Crowd: true, Err: late}, false},
		"all lists are stuck":       {&bounded.FullError{Kind: "lists", Err: late}, false},
		"the store doesn't respond": {storage.As(storage.ErrUnavailable, late), false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := unfinished(c.err); errors.Is(err, ErrUnfinished) != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}
