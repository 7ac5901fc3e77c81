package fight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// Source picks random items of one catalog. It is the catalog's service in this process, or a client of another
// process, which may be a Refuser.
type Source[T any] interface {
	Random(ctx context.Context) (T, error)
	// Ready returns an item without blocking, and false if none is available that way.
	Ready() (T, bool)
}

// Sources are the catalogs that fights pick from.
type Sources struct {
	Heroes, Villains Source[character.Character]
	Locations        Source[location.Location]
	// InTurn makes the fetches sequential. That is for embedded stores only, which wait for no network: two goroutines,
	// whose stacks must grow to run SQLite, would cost more than the two reads that they parallelise.
	InTurn bool
}

// Store stores fights. All methods may be called concurrently.
type Store interface {
	// Insert returns nil only if the fight is durable. An error that wraps ErrMaybeStored leaves that open; any other
	// error means that it was not stored. answer is the fight's JSON, built once for the store and the response: it
	// must not be modified.
	Insert(ctx context.Context, fight Fight, answer []byte) error
	// Get returns the fight with the id, ErrNotFound, or a storage.RowError if it can't be read.
	Get(ctx context.Context, id ID) (Fight, error)
	// Page returns the limit fights with the largest ids below before, in descending order. If one of them can't be
	// read, it returns the fights above it and a storage.RowError.
	Page(ctx context.Context, before ID, limit int) ([]Fight, error)
	// Count returns the exact number of fights, including any that can't be read.
	Count(ctx context.Context) (int64, error)
	// Last returns the largest id that is Ours, or the zero ID if there is none.
	Last(ctx context.Context) (ID, error)
	// Ping returns nil if the store serves reads and, as far as it knows, accepts writes.
	Ping(ctx context.Context) error
	Close() error
}

var (
	// ErrNotFound means that no fight has the id.
	ErrNotFound = errors.New("not found")
	// ErrMaybeStored means that the store didn't report whether it stored the fight.
	ErrMaybeStored = errors.New("the fight may have been stored all the same")
)

// Service runs fights.
type Service struct {
	sources Sources
	store   Store
	stored  func() // called after each insert
	ids     *IDs
	now     func() time.Time
}

// NewService returns a service that stores fights in store. It reads the largest id there, so that new ids are greater.
func NewService(ctx context.Context, sources Sources, store Store) (*Service, error) {
	last, err := store.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the last fight: %w", err)
	}
	return &Service{sources: sources, store: store, stored: func() {}, ids: NewIDs(last), now: time.Now}, nil
}

// OnStored sets the function to call after each fight that was, or may have been, stored. It must not block. Call OnStored before the
// first fight.
func (s *Service) OnStored(stored func()) { s.stored = stored }

// picks holds the items that a fight needs.
type picks struct {
	hero, villain character.Character
	place         location.Location
}

// Execute picks a hero, a villain and a location, lets them fight, and returns the response body once the fight is
// stored.
func (s *Service) Execute(ctx context.Context) ([]byte, error) {
	if err := s.sources.refusals(); err != nil {
		return nil, err
	}
	var f fetches
	all := &picks{}
	pickInto(&f, "heroes", s.sources.Heroes, &all.hero)
	pickInto(&f, "villains", s.sources.Villains, &all.villain)
	pickInto(&f, "locations", s.sources.Locations, &all.place)
	if err := s.fetch(ctx, f); err != nil {
		return nil, err
	}
	return s.Perform(ctx, all.hero, all.villain, &all.place)
}

// fetch runs the fetches concurrently or in turn, depending on the sources.
func (s *Service) fetch(ctx context.Context, f fetches) error {
	if s.sources.InTurn || len(f) < 2 {
		return f.inTurn(ctx)
	}
	return f.atOnce(ctx)
}

// usualSize is the capacity in bytes that suffices for most response bodies.
const usualSize = 2048

// Perform lets the two fight and returns the response body once the fight is stored.
func (s *Service) Perform(ctx context.Context, hero, villain character.Character, place *location.Location) ([]byte, error) {
	now := s.now()
	fight := Decide(s.ids.Next(now), now, hero, villain, place)
	answer := fight.AppendJSON(make([]byte, 0, usualSize))
	err := s.store.Insert(ctx, fight, answer)
	s.stored()
	if err != nil {
		return nil, fmt.Errorf("storing fight %s: %w", fight.ID, err)
	}
	return answer, nil
}

// Fighters picks a hero and a villain.
func (s *Service) Fighters(ctx context.Context) (hero, villain character.Character, err error) {
	if err := cmp.Or(refusal("heroes", s.sources.Heroes), refusal("villains", s.sources.Villains)); err != nil {
		return hero, villain, err
	}
	var f fetches
	pair := &picks{}
	pickInto(&f, "heroes", s.sources.Heroes, &pair.hero)
	pickInto(&f, "villains", s.sources.Villains, &pair.villain)
	err = s.fetch(ctx, f)
	return pair.hero, pair.villain, err
}

// Location picks a location.
func (s *Service) Location(ctx context.Context) (location.Location, error) {
	var f fetches
	one := &picks{}
	pickInto(&f, "locations", s.sources.Locations, &one.place)
	err := s.fetch(ctx, f)
	return one.place, err
}

// Get returns the fight with the id, like Store.Get.
func (s *Service) Get(ctx context.Context, id ID) (Fight, error) {
	fight, err := s.store.Get(ctx, id)
	if err != nil {
		err = fmt.Errorf("reading fight %s: %w", id, err)
	}
	return fight, err
}

// Page returns the fights below an id, like Store.Page.
func (s *Service) Page(ctx context.Context, before ID, limit int) ([]Fight, error) {
	fights, err := s.store.Page(ctx, before, limit)
	if err != nil {
		err = fmt.Errorf("reading a page of fights: %w", err)
	}
	return fights, err
}

// Count returns the exact number of fights, like Store.Count.
func (s *Service) Count(ctx context.Context) (int64, error) {
	n, err := s.store.Count(ctx)
	if err != nil {
		err = fmt.Errorf("counting fights: %w", err)
	}
	return n, err
}
