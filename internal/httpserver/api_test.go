package httpserver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/logging"
	"superheroes/test/await"
)

func TestRequestID(t *testing.T) {
	var seen string
	server, _ := serving(t, settings(), get(func(w http.ResponseWriter, r *http.Request) error {
		seen = RequestID(r.Context())
		return ok(w, r)
	}))
	made := map[string]bool{}
	for _, test := range []struct {
		name, sent string
		taken      bool
	}{
		{"none", "", false},
		{"all kinds of visible ASCII characters", `!"#$%&'()*+,-./09:;<=>?@AZ[\]^_` + "`az{|}~", true},
		{"128 characters", strings.Repeat("a", 128), true},
		{"129 characters", strings.Repeat("a", 129), false},
		{"a blank", "a b", false},
		{"a tab", "a\tb", false},
		{"beyond ASCII", "héros", false},
	} {
		got := ask(t, server, http.MethodGet, "/", "", RequestIDHeader, test.sent).header.Values(RequestIDHeader)
		if len(got) != 1 || got[0] == "" || len(got[0]) > 128 || (got[0] == test.sent) != test.taken || made[got[0]] {
			t.Fatalf("%s: response has id %q, want the client's id: %t", test.name, got, test.taken)
		}
		made[got[0]] = true
		if seen != got[0] {
			t.Errorf("%s: the handler saw the id %q, but the client got %q", test.name, seen, got[0])
		}
	}
	if got := RequestID(t.Context()); got != "" {
		t.Errorf("outside a request: got id %q", got)
	}
}

func TestCallerTimeoutShortensDeadline(t *testing.T) {
	for sent, want := range map[string]time.Duration{
		"": time.Minute, "1500": 1500 * time.Millisecond, "59999": 59999 * time.Millisecond, "60000": time.Minute,
		"60001": time.Minute, "9223372036854775808": time.Minute, "1.5": time.Minute, "5s": time.Minute, "0": 0, "-1": 0,
	} {
		if got := timeoutOf(http.Header{TimeoutHeader: {sent}}, time.Minute); got != want {
			t.Errorf("%q: got %s, want %s", sent, got, want)
		}
	}
}

func waitForDeadline(_ http.ResponseWriter, r *http.Request) error {
	<-r.Context().Done()
	return context.Cause(r.Context())
}

// waitForSteps is like waitForDeadline, but waits for the deadlines of two steps in a stream.
func waitForSteps(w http.ResponseWriter, r *http.Request) (err error) {
	for range 2 {
		ctx, cancel := NewStream(w, r).Step()
		defer cancel()
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(hang):
			return errors.New("a step of the list has no deadline")
		}
	}
	return err
}

func TestDeadlineReached(t *testing.T) {
	short := settings()
	short.Deadline = 50 * time.Millisecond
	for _, test := range []struct {
		name, sent string
		cfg        Config
	}{
		{"our own", "", short},
		{"the caller's", "50", settings()},
		{"the caller's deadline has passed", "-1", settings()},
	} {
		for kind, wait := range map[string]Handler{"response": waitForDeadline, "list": waitForSteps} {
			t.Run(test.name+", "+kind, func(t *testing.T) {
				server, _ := serving(t, test.cfg, get(wait))
				got := ask(t, server, http.MethodGet, "/", "", TimeoutHeader, test.sent)
				if got.problem(t, http.StatusServiceUnavailable); got.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			})
		}
	}
}

func TestDisconnectCancelsRequest(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	server, log := serving(t, settings(), get(func(_ http.ResponseWriter, r *http.Request) error {
		close(begun)
		<-r.Context().Done()
		ended <- r.Context().Err()
		return Unavailable("nobody reads this").Because(r.Context().Err())
	}))
	c := dial(t, server)
	c.send(t, plainRequest)
	await.Value(t, "the request begins", begun)
	_ = c.Close()
	if err := await.Value(t, "the request ends", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	log.check(t, "", "") // a client's disconnect isn't a service failure
}

func TestPanicBeforeTheResponse(t *testing.T) {
	server, log := serving(t, settings(), route(http.MethodGet, "/ok", ok),
		get(func(http.ResponseWriter, *http.Request) error { panic("kryptonite\nin the code") }))
	c := dial(t, server)
	c.send(t, "GET / HTTP/1.1\r\nHost: test\r\nX-Request-Id: the-id\r\n\r\n")
	got, err := c.next()
	if err != nil {
		t.Fatal(err)
	}
	got.problem(t, http.StatusInternalServerError)
	if strings.Contains(got.body, "kryptonite") || strings.Contains(got.body, "goroutine") {
		t.Errorf("the response reveals the cause: %s", got.body)
	}
	log.check(t, "ERROR", "the-id")
	if line := log.lines()[0]; !strings.Contains(line, "kryptonite") || !strings.Contains(line, "api_test.go") {
		t.Errorf("the log line lacks the panic's value or its stack: %s", line)
	}
	c.send(t, "GET /ok HTTP/1.1\r\nHost: test\r\n\r\n")
	if got, err := c.next(); err != nil || got.status != http.StatusOK {
		t.Errorf("the connection is unusable after the panic: got response %v, error %v", got, err)
	}
}

// A response that fails after it has begun must not look complete to the client: with a Content-Length, bytes are
// missing; without a Content-Length, the final chunk is missing.
func TestFailureAfterResponseBegan(t *testing.T) {
	begin := func(w http.ResponseWriter) {
		_, _ = w.Write([]byte("[1,"))
		_ = http.NewResponseController(w).Flush()
	}
	for _, test := range []struct {
		name  string
		serve Handler
		level string
	}{
		{"a panic", func(w http.ResponseWriter, _ *http.Request) error {
			begin(w)
			panic("too late")
		}, "ERROR"},
		{"the store goes away", func(w http.ResponseWriter, _ *http.Request) error {
			begin(w)
			return Unavailable("too late")
		}, "WARN"},
		{"an error after a write that is still buffered", func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write([]byte("[1,"))
			return errors.New("too late")
		}, "ERROR"},
		{"an abort", func(w http.ResponseWriter, _ *http.Request) error {
			begin(w)
			panic(http.ErrAbortHandler)
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, log := serving(t, settings(), get(test.serve), route(http.MethodGet, "/ok", ok))
			c := dial(t, server)
			c.send(t, "GET / HTTP/1.1\r\nHost: test\r\nX-Request-Id: the-id\r\n\r\n")
			if got, err := c.next(); err == nil {
				t.Errorf("the client got a complete response: %+v", got)
			}
			c.rest(t)
			log.check(t, test.level, "the-id")
			if got := ask(t, server, http.MethodGet, "/ok", ""); got.status != http.StatusOK {
				t.Errorf("the server no longer responds: %d %s", got.status, got.body)
			}
		})
	}
}

func TestAccessLog(t *testing.T) {
	for target, status := range map[string]string{
		"/ok": "200", "/empty": "200", "/nothing": "404", "/panic": "500", "/wait": "503", "/ok?a=%ff": "422", "/broken": "200",
	} {
		t.Run(target, func(t *testing.T) {
			cfg, written := settings(), &log{}
			cfg.AccessLog, cfg.Deadline = true, 10*time.Millisecond
			logger := logging.New(written, "test", logging.Config{Level: slog.LevelError + 1})
			api := NewAPI(huma.Info{Title: "test", Version: "1"}, logger, cfg)
			api.Handle(route(http.MethodGet, "/ok", ok))
			api.Handle(route(http.MethodGet, "/empty", func(http.ResponseWriter, *http.Request) error { return nil }))
			api.Handle(route(http.MethodGet, "/wait", waitForDeadline))
			api.Handle(route(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("no") }))
			api.Handle(route(http.MethodGet, "/broken", func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = w.Write([]byte("["))
				panic("no")
			}))
			server := listen(t, cfg, written)
			server.Serve(api)
			c := dial(t, server)
			c.send(t, "GET "+target+" HTTP/1.1\r\nHost: test\r\nX-Request-Id: the-id\r\nConnection: close\r\n\r\n")
			c.rest(t)
			if err := server.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			path, _, _ := strings.Cut(target, "?")
			want := " - test - INFO - access method=GET path=" + path + " status=" + status + " duration="
			lines := written.lines()
			if len(lines) != 1 || !strings.Contains(lines[0], want) || !strings.Contains(lines[0], " request_id=the-id") {
				t.Errorf("logged %q, want one line with %q and the id", lines, want)
			}
		})
	}
}
