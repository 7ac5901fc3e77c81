package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"superheroes/internal/bounded"
	"superheroes/internal/catalog"
	"superheroes/internal/httpserver"
	"superheroes/internal/storage"
)

// The problem of a list that runs out of time blames the store only if it doesn't respond.
func TestProblemOfAList(t *testing.T) {
	late := context.DeadlineExceeded
	for name, c := range map[string]struct {
		err  error
		want string // of the detail
	}{
		"the time is over at the first page": {late, "the store did not answer before"},
		"the time is over later":             {fmt.Errorf("%w: %w", catalog.ErrUnfinished, late), "the list did not end before"},
		"others read lists":                  {&bounded.FullError{Kind: "lists", Crowd: true, Err: late}, "too many lists at once"},
		"nobody reads anything":              {&bounded.FullError{Kind: "lists", Err: late}, "the store did not answer before"},
		"the store doesn't answer":           {storage.As(storage.ErrUnavailable, late), "the store does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			var problem *httpserver.Problem
			if !errors.As(catalogProblem("hero", c.err), &problem) || problem.Status != 503 || !strings.Contains(problem.Detail, c.want) {
				t.Errorf("got %+v, want %q", problem, c.want)
			}
		})
	}
}
