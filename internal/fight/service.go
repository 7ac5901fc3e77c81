package fight

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// Source gives random items of one catalog: the service in this process, or a client of another.
type Source[T any] interface {
	Random(ctx context.Context) (T, error)
}

// Sources are the catalogs that fights draw from.
type Sources struct {
	Heroes, Villains Source[character.Character]
	Locations        Source[location.Location]
}

// Store keeps fights. All methods may be called concurrently.
type Store interface {
	// Insert returns nil only when the fight is durable. An error that wraps ErrMaybeStored leaves that open; any
	// other means that it was not stored.
	Insert(ctx context.Context, fight Fight) error
	// Get returns the fight with that id, or ErrNotFound.
	Get(ctx context.Context, id ID) (Fight, error)
	// Page returns the fights with the largest ids below before, largest first, at most limit.
	Page(ctx context.Context, before ID, limit int) ([]Fight, error)
	// Count returns the exact number of fights.
	Count(ctx context.Context) (int64, error)
	// Last returns the largest id, the zero ID when there is none.
	Last(ctx context.Context) (ID, error)
	Ping(ctx context.Context) error
	Close() error
}

var (
	// ErrNotFound means that no fight has that id.
	ErrNotFound = errors.New("not found")
	// ErrMaybeStored means that the store did not say whether it kept the fight.
	ErrMaybeStored = errors.New("the fight may have been stored all the same")
)

// PeerError tells which catalog gave nothing, and why.
type PeerError struct {
	Peer string // heroes, villains or locations
	Err  error
}

func (e *PeerError) Error() string { return fmt.Sprintf("peer %s: %v", e.Peer, e.Err) }

// Unwrap gives the reason.
func (e *PeerError) Unwrap() error { return e.Err }

// Service runs fights.
type Service struct {
	sources Sources
	store   Store
	ids     *IDs
	now     func() time.Time
}

// NewService returns the service of fights on a store. It reads the largest id there, so that new ones lie above.
func NewService(ctx context.Context, sources Sources, store Store) (*Service, error) {
	last, err := store.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the last fight: %w", err)
	}
	return &Service{sources: sources, store: store, ids: NewIDs(last), now: time.Now}, nil
}

// Execute draws a hero, a villain and a place at the same time, lets them fight, and returns when the fight is stored.
func (s *Service) Execute(ctx context.Context) (Fight, error) {
	var hero, villain character.Character
	var place location.Location
	err := atOnce(ctx,
		draw("heroes", s.sources.Heroes, &hero),
		draw("villains", s.sources.Villains, &villain),
		draw("locations", s.sources.Locations, &place))
	if err != nil {
		return Fight{}, err
	}
	return s.Perform(ctx, hero, villain, &place)
}

// Perform lets the two fight and returns when the fight is stored.
func (s *Service) Perform(ctx context.Context, hero, villain character.Character, place *location.Location) (Fight, error) {
	now := s.now()
	fight := Decide(s.ids.Next(now), now, hero, villain, place)
	if err := s.store.Insert(ctx, fight); err != nil {
		return Fight{}, fmt.Errorf("storing fight %s: %w", fight.ID, err)
	}
	return fight, nil
}

// Fighters draws a hero and a villain at the same time.
func (s *Service) Fighters(ctx context.Context) (hero, villain character.Character, err error) {
	err = atOnce(ctx, draw("heroes", s.sources.Heroes, &hero), draw("villains", s.sources.Villains, &villain))
	return hero, villain, err
}

// Location draws a place.
func (s *Service) Location(ctx context.Context) (place location.Location, err error) {
	err = draw("locations", s.sources.Locations, &place)(ctx)
	return place, err
}

// draw returns the fetch of one item into target.
func draw[T any](peer string, source Source[T], target *T) func(context.Context) error {
	return func(ctx context.Context) error {
		item, err := source.Random(ctx)
		if err != nil {
			return &PeerError{peer, err}
		}
		*target = item
		return nil
	}
}

// atOnce runs the fetches at the same time. The first that fails cancels the others, and its error is returned.
func atOnce(ctx context.Context, fetches ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, fetch := range fetches {
		group.Go(func() (err error) {
			defer catchPanic(&err)
			return fetch(ctx)
		})
	}
	err := group.Wait()
	var caught *caughtPanic
	if errors.As(err, &caught) {
		panic(caught) // here the request's own goroutine answers for it; there it would have ended the process
	}
	return err
}

// caughtPanic is a panic on its way to another goroutine.
type caughtPanic struct {
	cause any
	stack []byte
}

func (p *caughtPanic) Error() string { return fmt.Sprintf("%v\n%s", p.cause, p.stack) }

func catchPanic(err *error) {
	if cause := recover(); cause != nil {
		*err = &caughtPanic{cause, debug.Stack()}
	}
}
