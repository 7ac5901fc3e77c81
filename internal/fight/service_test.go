package fight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"superheroes/internal/bounded"
	"superheroes/internal/character"
	"superheroes/internal/location"
)

// keeper is an in-memory store that implements only the methods that these tests need.
type keeper struct {
	Store
	kept []Fight
	last ID
	err  error
}

func (k *keeper) Last(context.Context) (ID, error) { return k.last, k.err }

func (k *keeper) Insert(_ context.Context, f Fight, _ []byte) error {
	if k.err == nil {
		k.kept = append(k.kept, f)
	}
	return k.err
}

// execute picks and performs a fight, as a request does.
func execute(ctx context.Context, s *Service) ([]byte, error) {
	picks, err := s.Pick(ctx, true)
	if err != nil {
		return nil, err
	}
	return s.Perform(ctx, picks.Hero, picks.Villain, &picks.Location)
}

// meeting blocks sources until the expected number of them has been called, so sequential calls time out.
type meeting struct {
	missing int // needs no mutex: only gather uses it
	all     chan struct{}
	mu      sync.Mutex
}

func newMeeting(expected int) *meeting { return &meeting{missing: expected, all: make(chan struct{})} }

// meeter waits until all sources have been called. Then it returns its error or, if it is slow, waits to be canceled.
type meeter struct {
	*meeting
	asked     chan struct{}
	err       error
	slow      bool
	cancelled *[]error // errors of the slow sources; guarded by the mutex
}

func (m meeter) meet(ctx context.Context) error {
	m.asked <- struct{}{}
	select {
	case <-m.all:
	case <-ctx.Done():
		if !closed(m.all) { // the first failure may occur just after the last call
			return fmt.Errorf("the other sources were not called: %w", ctx.Err())
		}
	}
	if !m.slow {
		return m.err
	}
	<-ctx.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	*m.cancelled = append(*m.cancelled, ctx.Err())
	return ctx.Err()
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// met is a source that blocks until all sources of the meeting have been called.
type met[T any] struct {
	meeter
	item T
}

func (m met[T]) Random(ctx context.Context) (T, error) { return m.item, m.meet(ctx) }

// Ready has nothing.
func (m met[T]) Ready() (item T, ok bool) { return item, false }

// gather unblocks the sources once all of them have been called.
func (m *meeting) gather(asked <-chan struct{}) {
	for range m.missing {
		<-asked
	}
	close(m.all)
}

// Fetches run concurrently: all peers are called before any responds. The first failure cancels the other fetches.
func TestFetchesRunConcurrently(t *testing.T) {
	broken := errors.New("broken")
	for _, failing := range []string{"heroes", "villains", "locations", "none"} {
		t.Run(failing+" fails", func(t *testing.T) {
			defer goleak.VerifyNone(t)
			synctest.Test(t, func(t *testing.T) { // with a fake clock
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				workers := new(bounded.Workers)
				defer workers.Close()
				meet, asked, store := newMeeting(3), make(chan struct{}, 3), &keeper{}
				go meet.gather(asked)
				var cancelled []error
				peer := func(name string) meeter {
					m := meeter{meeting: meet, asked: asked, slow: failing != "none" && failing != name, cancelled: &cancelled}
					if failing == name {
						m.err = broken
					}
					return m
				}
				service, err := NewService(ctx, Sources{
					Heroes:    met[character.Character]{peer("heroes"), character.Heroes().Example},
					Villains:  met[character.Character]{peer("villains"), character.Villains().Example},
					Locations: met[location.Location]{peer("locations"), location.Locations().Example},
					Workers:   workers,
				}, store)
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				answer, err := execute(ctx, service)
				if waited := time.Since(begin); waited != 0 {
					t.Errorf("the fight waited %s for the other fetches", waited)
				}
				if failing == "none" {
					if err != nil || len(store.kept) != 1 {
						t.Errorf("got %s, %v", answer, err)
					}
					return
				}
				var named *PeerError
				if !errors.As(err, &named) || named.Peer != failing || !errors.Is(err, broken) || answer != nil || len(store.kept) > 0 {
					t.Errorf("got %s, %v, want the error of %s", answer, err, failing)
				}
				if len(cancelled) != 2 {
					t.Errorf("%d fetches were canceled, want 2", len(cancelled))
				}
			})
		})
	}
}

// source adapts a function to Source.
type source[T any] func(context.Context) (T, error)

func (s source[T]) Random(ctx context.Context) (T, error) { return s(ctx) }

// Ready has nothing.
func (s source[T]) Ready() (item T, ok bool) { return item, false }

// atHand is a source that is always ready.
type atHand[T any] struct{ item T }

func (a atHand[T]) Random(context.Context) (T, error) {
	panic("Random was called even though an item is ready")
}

func (a atHand[T]) Ready() (T, bool) { return a.item, true }

// Only items that aren't ready are fetched.
func TestExecuteUsesReadyItems(t *testing.T) {
	hero, villain, place := character.Heroes().Example, character.Villains().Example, location.Locations().Example
	fetched := source[location.Location](func(context.Context) (location.Location, error) { return place, nil })
	for name, places := range map[string]Source[location.Location]{"all three": atHand[location.Location]{place}, "all but the location": fetched} {
		t.Run(name, func(t *testing.T) {
			store := &keeper{}
			service, err := NewService(t.Context(), Sources{Heroes: atHand[character.Character]{hero}, Villains: atHand[character.Character]{villain}, Locations: places}, store)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := execute(t.Context(), service)
			if err != nil {
				t.Fatal(err)
			}
			f, err := parseAnswer(answer)
			if err != nil || f.Hero != hero || f.Villain != villain || *f.Location != place || len(store.kept) != 1 || store.kept[0].ID != f.ID {
				t.Errorf("fought %s, %v; stored %v", answer, err, store.kept)
			}
		})
	}
}

// A panic in a fetch is re-raised in the request's goroutine, where the server handles it, after the other fetches have
// ended. The same applies to a panic that was caught in another goroutine, even if there is only one fetch.
func TestPanicOfAFetch(t *testing.T) {
	yoda := func(ctx context.Context) (character.Character, error) {
		<-ctx.Done()
		return character.Character{}, ctx.Err()
	}
	nowhere := func(context.Context) (location.Location, error) { panic("no location left") }
	caught := func(ctx context.Context) (place location.Location, err error) {
		return place, Guard(ctx, func(context.Context) error { panic("no location left") })
	}
	for name, c := range map[string]struct {
		places source[location.Location]
		fetch  func(context.Context, *Service) error
	}{
		"of three": {nowhere, func(ctx context.Context, s *Service) error { _, err := execute(ctx, s); return err }},
		"caught":   {caught, func(ctx context.Context, s *Service) error { _, err := s.Location(ctx); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			workers := new(bounded.Workers)
			defer workers.Close()
			store := &keeper{}
			service, err := NewService(t.Context(), Sources{
				Heroes: source[character.Character](yoda), Villains: source[character.Character](yoda), Locations: c.places, Workers: workers,
			}, store)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if cause := fmt.Sprint(recover()); !strings.Contains(cause, "no location left") || !strings.Contains(cause, "service_test.go") {
					t.Errorf("recovered %s, want the panic and its location", cause)
				}
				if len(store.kept) > 0 {
					t.Errorf("stored %v", store.kept)
				}
			}()
			t.Errorf("returned %v", c.fetch(t.Context(), service))
		})
	}
}

// Sequential fetches run in a single goroutine, and stop after a failure.
func TestFetchesInTurn(t *testing.T) {
	broken := errors.New("broken")
	for _, failing := range []string{"", "heroes", "villains", "locations"} {
		t.Run("failing "+failing, func(t *testing.T) {
			var asked []string
			ask := func(peer string) error {
				asked = append(asked, peer) // the race detector would detect another goroutine
				if peer == failing {
					return broken
				}
				return nil
			}
			fighter := func(peer string) source[character.Character] {
				return func(context.Context) (character.Character, error) { return character.Heroes().Example, ask(peer) }
			}
			place := func(context.Context) (location.Location, error) {
				return location.Locations().Example, ask("locations")
			}
			service, err := NewService(t.Context(), Sources{fighter("heroes"), fighter("villains"), source[location.Location](place), nil}, &keeper{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = execute(t.Context(), service)
			if errors.Is(err, broken) != (failing != "") {
				t.Errorf("got %v", err)
			}
			want := []string{"heroes", "villains", "locations"}
			if failing != "" {
				want = want[:slices.Index(want, failing)+1]
			}
			if !slices.Equal(asked, want) {
				t.Errorf("called the peers %q, want %q", asked, want)
			}
		})
	}
}

// refusing is a source with an open circuit breaker.
type refusing[T any] struct{ Source[T] }

func (refusing[T]) Refusal() error { return ErrOpen }

// untouched is a source that panics when used.
type untouched[T any] struct{ Source[T] }

// If the circuit breaker of one peer is open, no peer is called, and no ready item is used up.
func TestNoPeerIsCalledWithAnOpenBreaker(t *testing.T) {
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

func TestPerform(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 678_900_000, time.UTC)
	yoda, thanos := character.Heroes().Example, character.Villains().Example
	future := NewIDs(ID{}).Next(now.Add(time.Hour))
	store := &keeper{last: future}
	service, err := NewService(t.Context(), Sources{}, store)
	if err != nil {
		t.Fatal(err)
	}
	service.now = func() time.Time { return now }
	answer, err := service.Perform(t.Context(), yoda, thanos, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parseAnswer(answer)
	if err != nil || len(store.kept) != 1 || store.kept[0] != f || string(f.AppendJSON(nil)) != string(answer) {
		t.Errorf("Perform returned %s (%v), and the store contains %v", answer, err, store.kept)
	}
	if want := Decide(f.ID, now, yoda, thanos, nil); f != want {
		t.Errorf("got %v, want %v", f, want)
	}
	checkAbove(t, future, f.ID)
}

func TestPerformFails(t *testing.T) {
	full := errors.New("disk full")
	for name, failure := range map[string]error{"not stored": full, "maybe stored": fmt.Errorf("%w: %w", ErrMaybeStored, full)} {
		t.Run(name, func(t *testing.T) {
			store := &keeper{}
			service, err := NewService(t.Context(), Sources{}, store)
			if err != nil {
				t.Fatal(err)
			}
			store.err = failure
			f, err := service.Perform(t.Context(), character.Character{}, character.Character{}, nil)
			if f != nil || !errors.Is(err, full) || errors.Is(err, ErrMaybeStored) != errors.Is(failure, ErrMaybeStored) {
				t.Errorf("got %v, %v", f, err)
			}
		})
	}
}

func TestNewServiceFails(t *testing.T) {
	away := errors.New("away")
	if _, err := NewService(t.Context(), Sources{}, &keeper{err: away}); !errors.Is(err, away) {
		t.Errorf("got %v, want the error from Last: without the last id, new ids could be below stored ids", err)
	}
}

// parseAnswer parses a response body.
func parseAnswer(answer []byte) (Fight, error) {
	const at = len(`{"id":"`)
	id, err := ParseID(string(answer[at : at+36]))
	if err != nil {
		return Fight{}, err
	}
	return Parse(id, answer)
}
