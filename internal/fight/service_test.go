package fight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"superheroes/internal/character"
	"superheroes/internal/location"
)

// keeper is an in-memory store with only the methods that these tests need.
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

// meeting blocks sources until the expected number has been called: sequential calls never get through.
type meeting struct {
	missing int // guarded by the bubble: the test waits until all are blocked
	all     chan struct{}
}

func newMeeting(expected int) *meeting { return &meeting{expected, make(chan struct{})} }

// met is a source that waits for the others and then returns its item or error, or waits to be canceled if it is slow.
type met[T any] struct {
	*meeting
	asked chan struct{}
	item  T
	err   error
	slow  bool
	seen  *error // why it was canceled
}

func (m met[T]) Random(ctx context.Context) (T, error) {
	var none T
	m.asked <- struct{}{}
	select {
	case <-m.all:
	case <-ctx.Done():
		return none, fmt.Errorf("the others were not called: %w", ctx.Err())
	}
	if m.slow {
		<-ctx.Done()
		*m.seen = ctx.Err()
		return none, ctx.Err()
	}
	return m.item, m.err
}

// Ready has nothing: these sources always block.
func (m met[T]) Ready() (item T, ok bool) { return item, false }

// gather ends the meeting when all sources have been called.
func (m *meeting) gather(asked <-chan struct{}) {
	for range m.missing {
		<-asked
	}
	close(m.all)
}

func TestFetchesRunConcurrently(t *testing.T) {
	tests := []struct {
		name    string
		fetches int
		ask     func(context.Context, *Service) error
	}{
		{"hero, villain and place of a fight", 3, func(ctx context.Context, s *Service) error { _, err := execute(ctx, s); return err }},
		{"hero and villain without a fight", 2, func(ctx context.Context, s *Service) error { _, err := s.Pick(ctx, false); return err }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			synctest.Test(t, func(t *testing.T) { // a minute of fake time takes no time
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				meet, asked := newMeeting(test.fetches), make(chan struct{}, 3)
				go meet.gather(asked)
				service, err := NewService(ctx, Sources{
					Heroes:    met[character.Character]{meeting: meet, asked: asked, item: character.Heroes().Example},
					Villains:  met[character.Character]{meeting: meet, asked: asked, item: character.Villains().Example},
					Locations: met[location.Location]{meeting: meet, asked: asked, item: location.Locations().Example},
				}, &keeper{})
				if err != nil {
					t.Fatal(err)
				}
				if err := test.ask(ctx, service); err != nil {
					t.Error(err)
				}
				if ctx.Err() != nil {
					for range test.fetches { // lets gather return, so that the bubble ends
						asked <- struct{}{}
					}
				}
			})
		})
	}
}

func TestFirstFailureCancelsTheOthers(t *testing.T) {
	broken := errors.New("broken")
	for _, peer := range []string{"heroes", "villains", "locations"} {
		t.Run(peer, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			synctest.Test(t, func(t *testing.T) {
				meet, asked, cancelled, store := newMeeting(3), make(chan struct{}, 3), [3]error{}, &keeper{}
				go meet.gather(asked)
				begin := time.Now()
				heroes := met[character.Character]{meeting: meet, asked: asked, err: broken, slow: peer != "heroes", seen: &cancelled[0]}
				villains := met[character.Character]{meeting: meet, asked: asked, err: broken, slow: peer != "villains", seen: &cancelled[1]}
				locations := met[location.Location]{meeting: meet, asked: asked, err: broken, slow: peer != "locations", seen: &cancelled[2]}
				service, err := NewService(t.Context(), Sources{Heroes: heroes, Villains: villains, Locations: locations}, store)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				f, err := execute(ctx, service)
				var named *PeerError
				if !errors.As(err, &named) || named.Peer != peer || !errors.Is(err, broken) || !strings.Contains(err.Error(), peer) {
					t.Errorf("got %v, want the failure of %s", err, peer)
				}
				for i, slow := range []bool{heroes.slow, villains.slow, locations.slow} {
					if slow && !errors.Is(cancelled[i], context.Canceled) {
						t.Errorf("fetch %d got %v, want context.Canceled", i, cancelled[i])
					}
				}
				if waited := time.Since(begin); waited != 0 {
					t.Errorf("waited %s for the others", waited)
				}
				if len(store.kept) > 0 || f != nil {
					t.Errorf("stored %v, returned %v", store.kept, f)
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

func (a atHand[T]) Random(context.Context) (T, error) { panic("nothing had to be fetched") }

func (a atHand[T]) Ready() (T, bool) { return a.item, true }

// Ready items are not fetched, only the others.
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

// A panicking fetch panics in the request's goroutine, where the server handles it, after the others have ended.
func TestPanicOfAFetch(t *testing.T) {
	defer goleak.VerifyNone(t)
	yoda := func(ctx context.Context) (character.Character, error) {
		<-ctx.Done()
		return character.Character{}, ctx.Err()
	}
	nowhere := func(context.Context) (location.Location, error) { panic("no place left") }
	store := &keeper{}
	service, err := NewService(t.Context(), Sources{Heroes: source[character.Character](yoda), Villains: source[character.Character](yoda), Locations: source[location.Location](nowhere)}, store)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if cause := fmt.Sprint(recover()); !strings.Contains(cause, "no place left") || !strings.Contains(cause, "service_test.go") {
			t.Errorf("recovered %s, want the panic and its location", cause)
		}
		if len(store.kept) > 0 {
			t.Errorf("stored %v", store.kept)
		}
	}()
	f, err := execute(t.Context(), service)
	t.Errorf("returned %v, %v", f, err)
}

// Sequential fetches never wait for each other, and none follows a failed one.
func TestFetchesInTurn(t *testing.T) {
	broken := errors.New("broken")
	for _, failing := range []string{"", "heroes", "villains", "locations"} {
		t.Run("failing "+failing, func(t *testing.T) {
			var asked []string
			ask := func(peer string) error {
				asked = append(asked, peer) // the race detector would notice another goroutine
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
			service, err := NewService(t.Context(), Sources{fighter("heroes"), fighter("villains"), source[location.Location](place), true}, &keeper{})
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
				t.Errorf("asked %q, want %q", asked, want)
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
		t.Errorf("returned %s (%v), stored %v", answer, err, store.kept)
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
		t.Errorf("got %v: without the last id new ones could lie below stored ones", err)
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
