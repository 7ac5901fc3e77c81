package fight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// refusing is a source whose breaker is open.
type refusing[T any] struct{ Source[T] }

func (refusing[T]) Refusal() error { return ErrOpen }

// untouched is a source that panics when used.
type untouched[T any] struct{ Source[T] }

// If the breaker of one peer is open, the others are not called, and no ready picks are consumed.
func TestNothingIsAskedForARefusedFight(t *testing.T) {
	for _, open := range []string{"heroes", "villains", "locations"} {
		t.Run(open, func(t *testing.T) {
			sources := Sources{Heroes: untouched[character.Character]{}, Villains: untouched[character.Character]{}, Locations: untouched[location.Location]{}}
			switch open {
			case "heroes":
				sources.Heroes = refusing[character.Character]{}
			case "villains":
				sources.Villains = refusing[character.Character]{}
			case "locations":
				sources.Locations = refusing[location.Location]{}
			}
			service, err := NewService(t.Context(), sources, &keeper{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = execute(t.Context(), service)
			if !errors.Is(err, ErrOpen) || !strings.Contains(err.Error(), open) {
				t.Errorf("got %v", err)
			}
			if open != "locations" {
				if _, err = service.Pick(t.Context(), false); !errors.Is(err, ErrOpen) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// A panic caught in another goroutine is raised again in the request's goroutine, even if there is only one fetch.
func TestPanicOfTheOnlyFetch(t *testing.T) {
	caught := func(ctx context.Context) (location.Location, error) {
		return location.Location{}, Guard(ctx, func(context.Context) error { panic("no place left") })
	}
	service, err := NewService(t.Context(), Sources{Locations: source[location.Location](caught)}, &keeper{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if cause := fmt.Sprint(recover()); !strings.Contains(cause, "no place left") || !strings.Contains(cause, "peer_test.go") {
			t.Errorf("recovered %s, want the panic and its location", cause)
		}
	}()
	place, err := service.Location(t.Context())
	t.Errorf("returned %v, %v", place, err)
}
