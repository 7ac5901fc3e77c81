package catalog

import (
	"context"
	"errors"
	"testing"

	"superheroes/internal/bounded"
	"superheroes/internal/storage"
)

// A list that runs out of time after its first page is unfinished, unless the store or other lists are to blame.
func TestListThatRunsOutOfTime(t *testing.T) {
	late := context.DeadlineExceeded
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"the time is over":         {late, true},
		"others read lists":        {&bounded.FullError{Kind: "lists", Crowd: true, Err: late}, false},
		"nobody reads anything":    {&bounded.FullError{Kind: "lists", Err: late}, false},
		"the store doesn't answer": {storage.As(storage.ErrUnavailable, late), false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := unfinished(c.err); errors.Is(err, ErrUnfinished) != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}
