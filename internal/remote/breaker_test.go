package remote

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/test/fakepeer"
)

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// withBreaker returns settings with a circuit breaker that opens after three consecutive failures.
func withBreaker(delay time.Duration) Config {
	cfg := patient()
	cfg.BreakerFailures, cfg.BreakerDelay = 3, delay
	return cfg
}

// The breaker opens after three consecutive failures, admits a trial call after each delay, and closes when a trial
// succeeds.
func TestBreaker(t *testing.T) {
	peer := fakepeer.New(t, fakepeer.Answers(http.StatusInternalServerError, "{}"))
	client := newClient(t, peer.URL, withBreaker(time.Hour))
	ask := func(calls int, open bool) {
		t.Helper()
		for range calls {
			if _, err := client.Random(t.Context()); errors.Is(err, fight.ErrOpen) != open {
				t.Errorf("got %v; want %v: %t", err, fight.ErrOpen, open)
			}
		}
	}
	for opened := range 3 {
		if opened == 0 {
			ask(3, false)
		} else {
			client.calls.breaker.until = time.Now() // the delay has passed
			ask(1, false)
		}
		ask(5, true)
		if got := peer.Requests(); got != 3+opened {
			t.Errorf("the peer got %d requests, want %d", got, 3+opened)
		}
	}
	peer.Behave(fakepeer.Answers(http.StatusOK, fakepeer.Hero))
	client.calls.breaker.until = time.Now()
	ask(5, false)
	if got := peer.Requests(); got != 10 {
		t.Errorf("the peer got %d requests, want 10", got)
	}
}

func TestBreakerCountsFailuresInARow(t *testing.T) {
	peer := fakepeer.New(t, nil)
	client := newClient(t, peer.URL, withBreaker(time.Hour))
	for _, harmless := range []struct {
		name      string
		behaviour http.HandlerFunc
		err       error
	}{
		{"a successful response", fakepeer.Answers(http.StatusOK, fakepeer.Hero), nil},
		{"an empty catalog", fakepeer.Answers(http.StatusNotFound, "{}"), catalog.ErrEmpty},
	} {
		t.Run(harmless.name, func(t *testing.T) {
			for range 3 {
				peer.Behave(fakepeer.BreaksOff(""))
				for range 2 {
					if _, err := client.Random(t.Context()); err == nil || errors.Is(err, fight.ErrOpen) {
						t.Fatalf("got %v, want a closed connection", err)
					}
				}
				peer.Behave(harmless.behaviour)
				if _, err := client.Random(t.Context()); !errors.Is(err, harmless.err) {
					t.Fatalf("got %v, want %v", err, harmless.err)
				}
			}
		})
	}
}

func TestNoBreaker(t *testing.T) {
	peer := fakepeer.New(t, fakepeer.BreaksOff(""))
	client := newClient(t, peer.URL, patient())
	for range 50 {
		if _, err := client.Random(t.Context()); err == nil || errors.Is(err, fight.ErrOpen) {
			t.Fatalf("got %v", err)
		}
	}
}

// Outcomes of old calls that arrive after a trial has closed the breaker don't open it again, since the peer is
// healthy.
func TestBreakerIgnoresCallsFromBeforeItOpened(t *testing.T) {
	b := &breaker{failures: 2}
	admit := func() permit {
		t.Helper()
		p, ok := b.admit()
		if !ok {
			t.Fatal("refused")
		}
		return p
	}
	var old []permit
	for range 6 {
		old = append(old, admit())
	}
	b.record(old[0], failed)
	b.record(old[1], failed) // opens the breaker, with a delay of 0
	trial := admit()
	if !trial.trial {
		t.Fatal("the breaker isn't half-open")
	}
	b.record(old[2], succeeded)
	if !b.refuses() {
		t.Error("the success of an old call closed the breaker")
	}
	b.record(trial, succeeded)
	for _, p := range old[3:] {
		b.record(p, failed)
	}
	if b.refuses() || admit().trial {
		t.Error("failures of old calls opened the breaker again")
	}
}
