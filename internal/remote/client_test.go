package remote

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/test/await"
	"superheroes/test/fakepeer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// yoda is the hero in fakepeer.Hero.
func yoda() character.Character {
	return character.Character{ID: 1, Name: "Yoda", OtherName: "Minch Yoda", Level: 9, Picture: "/yoda.svg", Powers: "Foresight"}
}

// patient returns settings with timeouts longer than any call in these tests, and without a circuit breaker.
func patient() Config {
	return Config{Connect: time.Minute, Write: time.Minute, Read: time.Minute, MaxConnections: 100, IdleConnections: 20}
}

func newClient(t *testing.T, base string, cfg Config) *Client[character.Character] {
	t.Helper()
	client := New(character.Heroes(), base, cfg)
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// A response may arrive in any number of pieces within the read timeout: a slow peer is not an error.
func TestRandom(t *testing.T) {
	tests := []struct {
		name, body string
		want       character.Character
	}{
		{"our own spelling", fakepeer.Hero, yoda()},
		{"the spelling used by the Python application", strings.Replace(fakepeer.Hero, "otherName", "othername", 1), yoda()},
		{"unknown fields", `{"name":"Yoda","side":"light","id":1}`, character.Character{ID: 1, Name: "Yoda"}},
		{"null for nothing", `{"id":1,"name":"Yoda","powers":null}`, character.Character{ID: 1, Name: "Yoda"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			peer := fakepeer.New(t, fakepeer.Dribbles(test.body, time.Millisecond))
			got, err := newClient(t, peer.URL, patient()).Random(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRandomFails(t *testing.T) {
	const header = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n"
	tests := []struct {
		name      string
		behaviour http.HandlerFunc
		says      string // part of the error
	}{
		{"connection refused", nil, "connection refused"},
		{"a path unknown to our services", fakepeer.Answers(http.StatusNotFound, `{"detail":"`+httpserver.UnknownPath+`"}`), "no such path"},
		{"a path unknown to FastAPI", fakepeer.Answers(http.StatusNotFound, `{"detail":"Not Found"}`), "no such path"},
		{"connection closed before the response", fakepeer.BreaksOff(""), "EOF"},
		{"connection closed within the status line", fakepeer.BreaksOff("HTTP/1.1 2"), "malformed HTTP"},
		{"connection closed within the header", fakepeer.BreaksOff(header), "EOF"},
		{"connection closed within the body", fakepeer.BreaksOff(header + "\r\n" + fakepeer.Hero), "truncated"},
		{"not HTTP", fakepeer.BreaksOff("220 smtp ready\r\n"), "malformed HTTP"},
		{"500", fakepeer.Answers(http.StatusInternalServerError, fakepeer.Hero), "500"},
		{"503", fakepeer.Answers(http.StatusServiceUnavailable, fakepeer.Hero), "503"},
		{"422", fakepeer.Answers(http.StatusUnprocessableEntity, fakepeer.Hero), "422"},
		{"204", fakepeer.Answers(http.StatusNoContent, ""), "204"},
		{"a redirect is not followed", http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound).ServeHTTP, "302"},
		{"no body", fakepeer.Answers(http.StatusOK, ""), "can't decode"},
		{"malformed JSON", fakepeer.Answers(http.StatusOK, fakepeer.Hero[:20]), "can't decode"},
		{"trailing data", fakepeer.Answers(http.StatusOK, fakepeer.Hero+"{}"), "can't decode"},
		{"an HTML page", fakepeer.Answers(http.StatusOK, "<html></html>"), "can't decode"},
		{"an array", fakepeer.Answers(http.StatusOK, "["+fakepeer.Hero+"]"), "can't decode"},
		{"a level of the wrong type", fakepeer.Answers(http.StatusOK, `{"id":1,"name":"Yoda","level":"9"}`), "can't decode"},
		{"null", fakepeer.Answers(http.StatusOK, "null"), "no name"},
		{"another object", fakepeer.Answers(http.StatusOK, `{"status":"ok"}`), "no name"},
		{"an empty name", fakepeer.Answers(http.StatusOK, `{"id":1,"name":""}`), "no name"},
		{"too large", fakepeer.Answers(http.StatusOK, `{"id":1,"name":"Yoda","powers":"`+strings.Repeat("x", maxResponse)+`"}`), "can't decode"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			peer := fakepeer.New(t, test.behaviour)
			if test.behaviour == nil {
				peer.Stop()
			}
			_, err := newClient(t, peer.URL, patient()).Random(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want an error that contains %q", err, test.says)
			}
			if fight.IsTimeout(err) || errors.Is(err, catalog.ErrEmpty) {
				t.Errorf("%v is reported as a timeout or an empty catalog", err)
			}
		})
	}
}

// In each case, only the short timeout or the request's deadline can end the call.
func TestTooSlow(t *testing.T) {
	const short = 100 * time.Millisecond
	hang := func(t *testing.T) string { return fakepeer.New(t, fakepeer.Hangs()).URL }
	dribble := func(t *testing.T) string {
		return fakepeer.New(t, fakepeer.Dribbles(strings.Repeat(" ", 5000)+fakepeer.Hero, 20*time.Millisecond)).URL
	}
	blackHole := func(t *testing.T) string { return fakepeer.BlackHole(t) }
	tests := []struct {
		name     string
		peer     func(*testing.T) string
		limit    func(*Config)
		deadline time.Duration
	}{
		{"no response, read timeout", hang, func(c *Config) { c.Read = short }, time.Minute},
		{"no response, deadline", hang, func(*Config) {}, short},
		{"dribbling body, read timeout", dribble, func(c *Config) { c.Read = short }, time.Minute},
		{"dribbling body, deadline", dribble, func(*Config) {}, short},
		{"black hole, connect timeout", blackHole, func(c *Config) { c.Connect = short }, time.Minute},
		{"black hole, deadline", blackHole, func(*Config) {}, short},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := patient()
			test.limit(&cfg)
			ctx, cancel := context.WithTimeout(t.Context(), test.deadline)
			defer cancel()
			_, err := newClient(t, test.peer(t), cfg).Random(ctx)
			if !fight.IsTimeout(err) || test.deadline > short && ctx.Err() != nil {
				t.Errorf("got %v, want the short timeout", err)
			}
		})
	}
}

// A pipe has no buffer: a write blocks until the data is read.
func TestWriteTimeout(t *testing.T) {
	here, there := net.Pipe()
	t.Cleanup(func() { _, _ = here.Close(), there.Close() })
	conn := &writeLimited{Conn: here, timeout: 50 * time.Millisecond}
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n")); !errors.Is(err, os.ErrDeadlineExceeded) || !fight.IsTimeout(err) {
		t.Errorf("got %v, want a timeout", err)
	}
	go func() { _, _ = there.Read(make([]byte, 100)) }()
	if n, err := conn.Write([]byte("GET")); n != 3 || err != nil {
		t.Errorf("the next write, which should have its own timeout: got %d, %v", n, err)
	}
}

func TestPeerGetsTheRemainingTimeAndTheRequestID(t *testing.T) {
	asked := make(chan http.Header, 1)
	peer := fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header
		fakepeer.Answers(http.StatusOK, fakepeer.Hero)(w, r)
	})
	client := newClient(t, peer.URL, patient())

	t.Run("within a request", func(t *testing.T) {
		within(t, "the-request", 30*time.Second, func(ctx context.Context) {
			if _, err := client.Random(ctx); err != nil {
				t.Error(err)
			}
		})
		header := <-asked
		if got := header.Get(httpserver.RequestIDHeader); got != "the-request" {
			t.Errorf("the peer got the request id %q", got)
		}
		left, err := strconv.Atoi(header.Get(httpserver.TimeoutHeader))
		if err != nil || left < 1 || left > 30_000 {
			t.Errorf("the peer got a timeout of %q ms, want 1 to 30000", header.Get(httpserver.TimeoutHeader))
		}
	})
	t.Run("without a deadline", func(t *testing.T) {
		if _, err := client.Random(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		header := <-asked
		if id, left := header.Get(httpserver.RequestIDHeader), header.Get(httpserver.TimeoutHeader); id != "" || left != "" {
			t.Errorf("the peer got the id %q and a timeout of %q ms, want neither", id, left)
		}
	})
}

// within calls the function do with the context of a handler that serves a request with the given id.
func within(t *testing.T, id string, deadline time.Duration, do func(context.Context)) {
	t.Helper()
	api := httpserver.NewAPI(huma.Info{}, discard(), httpserver.Config{Deadline: deadline})
	api.Mount("GET /", func(w http.ResponseWriter, r *http.Request) error {
		do(r.Context())
		return httpserver.WriteJSON(w, []byte("{}"))
	})
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	request.Header.Set(httpserver.RequestIDHeader, id)
	answer := httptest.NewRecorder()
	if api.ServeHTTP(answer, request); answer.Code != http.StatusOK {
		t.Fatalf("got %d %s", answer.Code, answer.Body)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	const most, kept, calls = 5, 2, 40
	release := make(chan struct{})
	peer := fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		fakepeer.Answers(http.StatusOK, fakepeer.Hero)(w, r)
	})
	cfg := patient()
	cfg.MaxConnections, cfg.IdleConnections = most, kept
	client := newClient(t, peer.URL, cfg)

	var group errgroup.Group
	for range calls {
		group.Go(func() error {
			_, err := client.Random(t.Context())
			return err
		})
	}
	await.True(t, "all connections are in use", func() bool { return peer.Requests() == most })
	close(release)
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if _, open := peer.Connections(); open > most {
		t.Errorf("%d connections are open, want at most %d", open, most)
	}
	if got := peer.Requests(); got != calls {
		t.Errorf("the peer got %d requests, want %d", got, calls)
	}
	await.True(t, "only the configured number of connections is kept", func() bool { _, open := peer.Connections(); return open == kept })
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name      string
		behaviour http.HandlerFunc
		ok        bool
	}{
		{"ready", fakepeer.Answers(http.StatusOK, "{}"), true},
		{"another implementation without this path", fakepeer.Answers(http.StatusNotFound, "{}"), true},
		{"not ready", fakepeer.Answers(http.StatusServiceUnavailable, "{}"), false},
		{"connection closed", fakepeer.BreaksOff(""), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var paths []string
			peer := fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
				paths = append(paths, r.URL.Path)
				test.behaviour(w, r)
			})
			client := newClient(t, peer.URL, patient())
			if err := client.Check(t.Context()); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
			if !slices.Contains(paths, "/readyz") {
				t.Errorf("the peer got requests for %q, want /readyz", paths)
			}
		})
	}
}
