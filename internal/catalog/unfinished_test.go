package catalog

import (
	"context"
	"errors"
	"strings"
	"testing"

	"superheroes/internal/bounded"
	"superheroes/internal/httpserver"
	"superheroes/internal/storage"
)

// What a list that runs out of time is called: the store is at fault only when it doesn't answer.
func TestListThatRunsOutOfTime(t *testing.T) {
	late := context.DeadlineExceeded
	for name, c := range map[string]struct {
		err         error
		first, then string // of the detail, at the first page and at a later one
	}{
		"the time is over":         {late, "the store did not answer before", "the list did not end before"},
		"others read lists":        {&bounded.FullError{Kind: "lists", Crowd: true, Err: late}, "too many lists at once", "too many lists at once"},
		"nobody reads anything":    {&bounded.FullError{Kind: "lists", Err: late}, "the store did not answer before", "the store did not answer before"},
		"the store doesn't answer": {storage.As(storage.ErrUnavailable, late), "the store does not answer", "the store does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			for want, err := range map[string]error{c.first: c.err, c.then: unfinished(c.err)} {
				var problem *httpserver.Problem
				if !errors.As(problemOf("hero", err), &problem) || problem.Status != 503 || !strings.Contains(problem.Detail, want) {
					t.Errorf("got %+v, want %q", problem, want)
				}
			}
		})
	}
}
