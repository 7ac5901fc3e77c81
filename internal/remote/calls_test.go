package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"superheroes/internal/bounded"
	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/test/await"
	"superheroes/test/fakepeer"
)

// gate blocks requests, even if their clients have disconnected.
type gate struct {
	held atomic.Int32
	open chan struct{}
}

func newGate(t *testing.T) *gate {
	g := &gate{open: make(chan struct{})}
	t.Cleanup(sync.OnceFunc(func() {
		select {
		case <-g.open:
		default:
			close(g.open)
		}
	}))
	return g
}

// before returns a handler that waits for the gate to open before it runs behaviour.
func (g *gate) before(behaviour http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.held.Add(1)
		<-g.open
		behaviour(w, r)
	}
}

// ended waits until no call is in flight.
func (c *Client[T]) ended(t *testing.T) {
	t.Helper()
	await.True(t, "all calls have ended", func() bool { return c.calls.slots.Taken() == 0 })
}

// picker is a Client or Batches.
type picker interface {
	Random(context.Context) (character.Character, error)
}

// leave starts calls one by one. As soon as the peer has received the request, leave abandons the call for the given
// cause. A nil cause means that the deadline passes.
func leave(t *testing.T, from picker, peer *fakepeer.Peer, calls int, cause error) {
	t.Helper()
	for range calls {
		ctx, cancel := context.WithCancelCause(t.Context())
		if cause == nil {
			ctx, cancel = withDeadline(t.Context())
		}
		asked := peer.Requests()
		var group errgroup.Group
		group.Go(func() error {
			_, err := from.Random(ctx)
			return err
		})
		await.True(t, "the peer gets the request", func() bool { return peer.Requests() > asked })
		cancel(cause)
		want := cause
		if want == nil {
			want = context.DeadlineExceeded
		}
		if err := group.Wait(); !errors.Is(err, want) || errors.Is(err, fight.ErrNoTime) != (cause == nil) {
			t.Errorf("an abandoned call returned %v, want %v", err, want)
		}
	}
}

// deadlined is a context that reports a deadline one millisecond ahead, but ends only when the test says so.
type deadlined struct {
	context.Context
	done chan struct{}
	at   time.Time
}

func withDeadline(parent context.Context) (context.Context, context.CancelCauseFunc) {
	d := &deadlined{parent, make(chan struct{}), time.Now().Add(time.Millisecond)}
	return d, func(error) { close(d.done) }
}

func (d *deadlined) Deadline() (time.Time, bool) { return d.at, true }
func (d *deadlined) Done() <-chan struct{}       { return d.done }

func (d *deadlined) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// When a caller gives up because its deadline has passed, it was canceled or another peer has failed, the call
// continues: its connection is kept, and only the call's outcome counts for the breaker.
func TestCallersLeave(t *testing.T) {
	for name, cause := range map[string]error{
		"the deadline has passed":     nil,
		"the client has disconnected": context.Canceled,
		"another peer has no item":    &fight.PeerError{Peer: "villains", Err: catalog.ErrEmpty},
	} {
		for _, c := range []struct {
			name  string
			then  http.HandlerFunc
			opens bool // the breaker
		}{
			{"a response", fakepeer.Answers(http.StatusOK, fakepeer.Hero), false},
			{"an empty catalog", fakepeer.Answers(http.StatusNotFound, `{"detail":"there is no hero yet"}`), false},
			// If the deadline passed, the peer had been told that only a millisecond was left, so a later failure
			// doesn't count against it.
			{"503", fakepeer.Answers(http.StatusServiceUnavailable, `{}`), cause != nil},
		} {
			t.Run(name+", then "+c.name, func(t *testing.T) {
				peer := fakepeer.New(t, nil)
				client := newClient(t, peer.URL, withBreaker(time.Hour))
				for range 4 {
					held := newGate(t)
					peer.Behave(held.before(c.then))
					leave(t, client, peer, 1, cause)
					close(held.open)
					client.ended(t)
					if c.opens && client.Refusal() != nil {
						break
					}
				}
				if opened, open := peer.Connections(); opened != 1 || open != 1 {
					t.Errorf("%d connections were opened and %d are open, want 1 and 1", opened, open)
				}
				if peer.Cancelled() != 0 {
					t.Errorf("%d calls were canceled, want 0", peer.Cancelled())
				}
				if got := client.Refusal(); (got != nil) != c.opens {
					t.Errorf("the breaker returned %v", got)
				}
			})
		}
	}
}

// Regardless of how many calls to a hanging peer are abandoned, half of the connections remain available to other
// callers.
func TestCallersWhoLeaveDontTakeAllConnections(t *testing.T) {
	const most = 6
	cfg := patient()
	cfg.MaxConnections = most
	peer := fakepeer.New(t, fakepeer.Hangs())
	client := newClient(t, peer.URL, cfg)
	leave(t, client, peer, 3*most, nil)
	if held := client.calls.slots.Taken(); held > most/2+1 {
		t.Errorf("abandoned calls hold %d of %d slots", held, most)
	}
	await.True(t, "calls beyond the limit are canceled", func() bool { return peer.Cancelled() == 3*most-most/2 })
	peer.Behave(fakepeer.Answers(http.StatusOK, fakepeer.Hero))
	var group errgroup.Group
	for range 4 * most {
		group.Go(func() error {
			_, err := client.Random(t.Context())
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if _, open := peer.Connections(); open > most {
		t.Errorf("%d connections are open, want at most %d", open, most)
	}
}

// A caller that finds all connections in use until its deadline gets ErrBusy, which doesn't count against the peer.
func TestNoConnectionInTime(t *testing.T) {
	cfg := withBreaker(time.Hour)
	cfg.MaxConnections = 1
	held := newGate(t)
	peer := fakepeer.New(t, held.before(fakepeer.Answers(http.StatusOK, fakepeer.Hero)))
	client := newClient(t, peer.URL, cfg)
	var first errgroup.Group
	first.Go(func() error {
		_, err := client.Random(t.Context())
		return err
	})
	await.True(t, "the connection is in use", func() bool { return held.held.Load() == 1 })
	for busy := 0; busy < 5; { // on a busy machine, a call may find that its deadline has already passed
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err := client.Random(ctx)
		cancel()
		switch {
		case errors.Is(err, fight.ErrBusy):
			busy++
		case !errors.Is(err, context.DeadlineExceeded):
			t.Fatalf("got %v, want %v", err, fight.ErrBusy)
		}
	}
	close(held.open)
	if err := first.Wait(); err != nil {
		t.Error(err)
	}
	if err := client.Refusal(); err != nil {
		t.Errorf("the breaker counted busy calls as failures: %v", err)
	}
}

// halfOpen returns a client with a half-open breaker, and its peer.
func halfOpen(t *testing.T, cfg Config) (*Client[character.Character], *fakepeer.Peer) {
	t.Helper()
	peer := fakepeer.New(t, fakepeer.BreaksOff(""))
	client := newClient(t, peer.URL, cfg)
	for range cfg.BreakerFailures {
		_, _ = client.Random(t.Context())
	}
	if client.Refusal() == nil {
		t.Fatal("the breaker isn't open")
	}
	client.calls.breaker.until = time.Now() // the delay has passed
	return client, peer
}

// A half-open breaker admits one trial call. The trial continues after its caller has given up, and its outcome closes
// or reopens the breaker.
func TestTrial(t *testing.T) {
	for name, c := range map[string]struct {
		then   http.HandlerFunc
		closes bool
	}{
		"succeeds": {fakepeer.Answers(http.StatusOK, fakepeer.Hero), true},
		"fails":    {fakepeer.BreaksOff(""), false},
	} {
		t.Run(name+" after its caller has left", func(t *testing.T) {
			client, peer := halfOpen(t, withBreaker(time.Hour))
			held := newGate(t)
			peer.Behave(held.before(c.then))
			leave(t, client, peer, 1, context.Canceled)
			for range 3 {
				if _, err := client.Random(t.Context()); !errors.Is(err, fight.ErrOpen) {
					t.Errorf("during the trial: got %v, want %v", err, fight.ErrOpen)
				}
			}
			close(held.open)
			client.ended(t)
			if got := client.Refusal(); (got == nil) != c.closes {
				t.Errorf("after the trial: %v", got)
			}
		})
	}
}

// A trial with an unknown outcome is followed by another trial.
func TestTrialWithUnknownOutcome(t *testing.T) {
	for name, try := range map[string]func(*testing.T, *Client[character.Character], *fakepeer.Peer){
		"the trial is canceled": func(t *testing.T, client *Client[character.Character], peer *fakepeer.Peer) {
			peer.Behave(fakepeer.Hangs())
			leave(t, client, peer, 1, context.Canceled) // with a single connection, abandoned calls are canceled
		},
		"the trial panics": func(t *testing.T, client *Client[character.Character], _ *fakepeer.Peer) {
			transport := client.transport
			client.transport = panics{transport}
			defer func() { client.transport = transport }()
			var panicked *fight.PanicError
			if _, err := client.Random(t.Context()); !errors.As(err, &panicked) {
				t.Errorf("got %v, want the panic", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := withBreaker(time.Hour)
			cfg.MaxConnections = 1
			client, peer := halfOpen(t, cfg)
			try(t, client, peer)
			client.ended(t)
			peer.Behave(fakepeer.Answers(http.StatusOK, fakepeer.Hero))
			for range 3 {
				if _, err := client.Random(t.Context()); err != nil {
					t.Errorf("the next call failed: %v", err)
				}
			}
		})
	}
}

// panics is a transport that panics.
type panics struct{ transport }

func (panics) RoundTrip(*http.Request) (*http.Response, error) { panic("kryptonite") }

// Close cancels abandoned calls and leaves no goroutine running, as TestMain checks.
func TestCloseEndsCalls(t *testing.T) {
	peer := fakepeer.New(t, fakepeer.Hangs())
	client := newClient(t, peer.URL, patient())
	leave(t, client, peer, 3, context.Canceled)
	_ = client.Close()
	await.True(t, "no connection is open", func() bool { _, open := peer.Connections(); return open == 0 })
	if _, err := client.Random(t.Context()); !errors.Is(err, bounded.ErrClosed) {
		t.Errorf("got %v, want %v", err, bounded.ErrClosed)
	}
}

// Only the scheme, host and path of a base URL are used as the address for requests. The user name and password are
// sent in a header.
func TestBaseURL(t *testing.T) {
	asked := make(chan string, 1)
	peer := fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		asked <- fmt.Sprintf("%s %s %s:%s", r.Method, r.RequestURI, user, password)
		fakepeer.Answers(http.StatusOK, fakepeer.Hero)(w, r)
	})
	host := peer.URL[len("http://"):]
	for base, want := range map[string]string{
		"http://" + host:                        "GET /api/heroes/random_hero :",
		"http://" + host + "/":                  "GET /api/heroes/random_hero :",
		"http://" + host + "?a=b":               "GET /api/heroes/random_hero :",
		"http://" + host + "/below/?a=b#c":      "GET /below/api/heroes/random_hero :",
		"http://yoda:do%40or@" + host + "/a%2f": "GET /a%2f/api/heroes/random_hero yoda:do@or",
	} {
		client := newClient(t, base, patient())
		if _, err := client.Random(t.Context()); err != nil {
			t.Errorf("%s: %v", base, err)
		}
		if got := <-asked; got != want {
			t.Errorf("%s: the peer got %s, want %s", base, got, want)
		}
	}
	peer.Stop()
	_, err := newClient(t, "http://yoda:do%40or@"+host, patient()).Random(t.Context())
	if err == nil || strings.Contains(err.Error(), "do@or") || strings.Contains(err.Error(), "do%40or") {
		t.Errorf("got %v, which reveals the password", err)
	}
}
