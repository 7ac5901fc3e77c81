package fight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"superheroes/internal/bounded"
	"superheroes/internal/character"
	"superheroes/internal/location"
	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

// Source picks random items from one catalog. A Source is either the catalog's service in this process, or a client for
// a service in another process. The client may also be a Refuser.
type Source[T any] interface {
	Random(ctx context.Context) (T, error)
	// Ready returns an item without blocking, or false if that isn't possible.
	Ready() (T, bool)
}

// Sources are the catalogs that fights pick from.
type Sources struct {
	Heroes, Villains Source[character.Character]
	Locations        Source[location.Location]
	// Workers run the fetches concurrently. Without Workers, the fetches are sequential, which is better for embedded
	// stores: they involve no network, and switching between goroutines would cost more than the reads themselves.
	Workers *bounded.Workers
}

// Store stores fights. All methods may be called concurrently.
type Store interface {
	// Insert returns nil only if the fight is durable. An error that wraps ErrMaybeStored means that the fight may
	// have been stored; any other error means that it was not stored. answer is the fight's JSON, shared by the store
	// and the response, and must not be modified.
	Insert(ctx context.Context, fight Fight, answer []byte) error
	// Get returns the fight with the given id, ErrNotFound, or a storage.RowError if it can't be read.
	Get(ctx context.Context, id ID) (Fight, error)
	// Page returns up to limit fights with the largest ids below before, in descending order of id. If a fight is
	// unreadable, Page returns the fights with larger ids and a storage.RowError.
	Page(ctx context.Context, before ID, limit int) ([]Fight, error)
	// Count returns the exact number of fights, including unreadable fights.
	Count(ctx context.Context) (int64, error)
	// Last returns the largest stored id for which Ours is true, or the zero ID if there is none.
	Last(ctx context.Context) (ID, error)
	// Ping returns an error unless the store serves reads and, as far as it knows, accepts writes.
	Ping(ctx context.Context) error
	Close() error
}

var (
	// ErrNotFound means that no fight has the given id.
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

	operations              storage.Operations
	acknowledged, uncertain telemetry.Counter
}

// NewService returns a service that stores fights in store. It reads the largest stored id, so that new ids are
// greater.
func NewService(ctx context.Context, sources Sources, store Store) (*Service, error) {
	last, err := store.Last(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the last fight: %w", err)
	}
	return &Service{sources: sources, store: store, stored: func() {}, ids: NewIDs(last), now: time.Now}, nil
}

// OnStored sets the function to call after each fight that was, or may have been, stored. It must not block. Call
// OnStored before the first fight.
func (s *Service) OnStored(stored func()) { s.stored = stored }

// Measure adds the metrics of the service and of its store, whose engine is given under its name in OpenTelemetry's
// semantic conventions. Call it before the first fight.
func (s *Service) Measure(m *telemetry.Metrics, engine string) {
	collection := "fights"
	if engine == "sqlite" {
		collection = "fight"
	}
	s.operations.Measure(m, engine, collection)
	m.Counter(telemetry.FightsAcknowledged, &s.acknowledged)
	m.Counter(telemetry.FightsUncertain, &s.uncertain)
}

// Picks are the items picked for a fight: a hero, a villain and, if wanted, a location.
type Picks struct {
	Hero, Villain character.Character
	Location      location.Location
}

// Pick picks a hero and a villain, and a location if wanted. Pick uses items that are ready, and fetches any others
// concurrently from their catalogs. If the circuit breaker of any peer is open, it calls no peer.
func (s *Service) Pick(ctx context.Context, withLocation bool) (*Picks, error) {
	if err := s.sources.refusal(withLocation); err != nil {
		return nil, err
	}
	picks := &Picks{}
	var missing fetches
	var ready bool
	if picks.Hero, ready = s.sources.Heroes.Ready(); !ready {
		missing = append(missing, fetch("heroes", s.sources.Heroes, &picks.Hero))
	}
	if picks.Villain, ready = s.sources.Villains.Ready(); !ready {
		missing = append(missing, fetch("villains", s.sources.Villains, &picks.Villain))
	}
	if withLocation {
		if picks.Location, ready = s.sources.Locations.Ready(); !ready {
			missing = append(missing, fetch("locations", s.sources.Locations, &picks.Location))
		}
	}
	if s.sources.Workers == nil || len(missing) < 2 {
		return picks, missing.inTurn(ctx)
	}
	return picks, missing.atOnce(ctx, s.sources.Workers)
}

// Location picks a location.
func (s *Service) Location(ctx context.Context) (picked location.Location, err error) {
	err = fetches{fetch("locations", s.sources.Locations, &picked)}.inTurn(ctx)
	return picked, err
}

// usualSize is a buffer size, in bytes, that is sufficient for most response bodies.
const usualSize = 2048

// Perform decides the fight and returns the response body once the fight is stored.
func (s *Service) Perform(
	ctx context.Context, hero, villain character.Character, place *location.Location,
) ([]byte, error) {
	now := s.now()
	fight := Decide(s.ids.Next(now), now, hero, villain, place)
	answer := fight.AppendJSON(make([]byte, 0, usualSize))
	ctx, insert := s.operations.Begin(ctx, "INSERT", "")
	err := s.store.Insert(ctx, fight, answer)
	insert.End(&err)
	s.stored()
	if err != nil {
		if errors.Is(err, ErrMaybeStored) {
			s.uncertain.Add(1)
		}
		return nil, fmt.Errorf("storing fight %s: %w", fight.ID, err)
	}
	s.acknowledged.Add(1)
	return answer, nil
}

// Get returns the fight with the given id, like Store.Get.
func (s *Service) Get(ctx context.Context, id ID) (Fight, error) {
	ctx, get := s.operations.Begin(ctx, "SELECT", "by id")
	fight, err := s.store.Get(ctx, id)
	failure := err
	if errors.Is(err, ErrNotFound) {
		failure = nil
	}
	get.End(&failure)
	if err != nil {
		err = fmt.Errorf("reading fight %s: %w", id, err)
	}
	return fight, err
}

// Page returns the fights with ids below before, like Store.Page.
func (s *Service) Page(ctx context.Context, before ID, limit int) ([]Fight, error) {
	ctx, page := s.operations.Begin(ctx, "SELECT", "page")
	fights, err := s.store.Page(ctx, before, limit)
	page.End(&err)
	if err != nil {
		err = fmt.Errorf("reading a page of fights: %w", err)
	}
	return fights, err
}

// Count returns the exact number of fights, like Store.Count.
func (s *Service) Count(ctx context.Context) (int64, error) {
	ctx, count := s.operations.Begin(ctx, "COUNT", "")
	n, err := s.store.Count(ctx)
	count.End(&err)
	if err != nil {
		err = fmt.Errorf("counting fights: %w", err)
	}
	return n, err
}
