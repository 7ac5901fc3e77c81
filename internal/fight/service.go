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

// Source gives random items of one catalog: the service in this process, or a client of another, which may be a Refuser.
type Source[T any] interface {
	Random(ctx context.Context) (T, error)
	// Ready gives one that is at hand, without waiting for anything, and false when there is none.
	Ready() (T, bool)
}

// Sources are the catalogs that fights draw from.
type Sources struct {
	Heroes, Villains Source[character.Character]
	Locations        Source[location.Location]
	// InTurn has them asked one after the other. That is for embedded stores only, which wait for no network: two
	// goroutines, whose stacks grow as SQLite runs on them, would cost more than the two reads that they save.
	InTurn bool
}

// Store keeps fights. All methods may be called concurrently.
type Store interface {
	// Insert returns nil only when the fight is durable. An error that wraps ErrMaybeStored leaves that open; any
	// other means that it was not stored. answer is what AppendJSON makes of the fight, built once for the store and
	// for the client: it must not be changed.
	Insert(ctx context.Context, fight Fight, answer []byte) error
	// Get returns the fight with that id, or ErrNotFound; a storage.RowError when it can't be read.
	Get(ctx context.Context, id ID) (Fight, error)
	// Page returns the fights with the largest ids below before, largest first, at most limit. When one of them can't be
	// read it returns those above it and a storage.RowError.
	Page(ctx context.Context, before ID, limit int) ([]Fight, error)
	// Count returns the exact number of fights, those included that can't be read.
	Count(ctx context.Context) (int64, error)
	// Last returns the largest id that is Ours, the zero ID when there is none.
	Last(ctx context.Context) (ID, error)
	// Ping returns nil when the store serves reads and, as far as it knows, takes writes.
	Ping(ctx context.Context) error
	Close() error
}

var (
	// ErrNotFound means that no fight has that id.
	ErrNotFound = errors.New("not found")
	// ErrMaybeStored means that the store did not say whether it kept the fight.
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

// NewService returns the service of fights on a store. It reads the largest id there, so that new ones lie above.
func NewService(ctx context.Context, sources Sources, store Store) (*Service, error) {
	last, err := store.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the last fight: %w", err)
	}
	return &Service{sources: sources, store: store, stored: func() {}, ids: NewIDs(last), now: time.Now}, nil
}

// OnStored has stored called after each fight that was, or may have been, stored. It must not block, and is set before the first fight.
func (s *Service) OnStored(stored func()) { s.stored = stored }

// drawn is what a fight needs.
type drawn struct {
	hero, villain character.Character
	place         location.Location
}

// Execute draws a hero, a villain and a place at the same time, lets them fight, and returns the answer when the fight
// is stored.
func (s *Service) Execute(ctx context.Context) ([]byte, error) {
	if err := s.sources.refusals(); err != nil {
		return nil, err
	}
	var f fetches
	all := &drawn{}
	draw(&f, "heroes", s.sources.Heroes, &all.hero)
	draw(&f, "villains", s.sources.Villains, &all.villain)
	draw(&f, "locations", s.sources.Locations, &all.place)
	if err := s.fetch(ctx, f); err != nil {
		return nil, err
	}
	return s.Perform(ctx, all.hero, all.villain, &all.place)
}

// fetch runs the fetches as the sources want it.
func (s *Service) fetch(ctx context.Context, f fetches) error {
	if s.sources.InTurn || len(f) < 2 {
		return f.inTurn(ctx)
	}
	return f.atOnce(ctx)
}

// usualAnswer is room for most answers, in bytes.
const usualAnswer = 2048

// Perform lets the two fight and returns the answer when the fight is stored.
func (s *Service) Perform(ctx context.Context, hero, villain character.Character, place *location.Location) ([]byte, error) {
	now := s.now()
	fight := Decide(s.ids.Next(now), now, hero, villain, place)
	answer := fight.AppendJSON(make([]byte, 0, usualAnswer))
	err := s.store.Insert(ctx, fight, answer)
	s.stored()
	if err != nil {
		return nil, fmt.Errorf("storing fight %s: %w", fight.ID, err)
	}
	return answer, nil
}

// Fighters draws a hero and a villain at the same time.
func (s *Service) Fighters(ctx context.Context) (hero, villain character.Character, err error) {
	if err := cmp.Or(refusal("heroes", s.sources.Heroes), refusal("villains", s.sources.Villains)); err != nil {
		return hero, villain, err
	}
	var f fetches
	pair := &drawn{}
	draw(&f, "heroes", s.sources.Heroes, &pair.hero)
	draw(&f, "villains", s.sources.Villains, &pair.villain)
	err = s.fetch(ctx, f)
	return pair.hero, pair.villain, err
}

// Location draws a place.
func (s *Service) Location(ctx context.Context) (location.Location, error) {
	var f fetches
	one := &drawn{}
	draw(&f, "locations", s.sources.Locations, &one.place)
	err := s.fetch(ctx, f)
	return one.place, err
}

// Get returns the fight with that id, as Store.Get does.
func (s *Service) Get(ctx context.Context, id ID) (Fight, error) {
	fight, err := s.store.Get(ctx, id)
	if err != nil {
		err = fmt.Errorf("reading fight %s: %w", id, err)
	}
	return fight, err
}

// Page returns the fights below an id, as Store.Page does.
func (s *Service) Page(ctx context.Context, before ID, limit int) ([]Fight, error) {
	fights, err := s.store.Page(ctx, before, limit)
	if err != nil {
		err = fmt.Errorf("reading a page of fights: %w", err)
	}
	return fights, err
}

// Count returns the exact number of fights, as Store.Count does.
func (s *Service) Count(ctx context.Context) (int64, error) {
	n, err := s.store.Count(ctx)
	if err != nil {
		err = fmt.Errorf("counting fights: %w", err)
	}
	return n, err
}
