package httpserver

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/test/await"
)

func TestRequestID(t *testing.T) {
	tests := []struct {
		name, sent string
		taken      bool
	}{
		{"none", "", false},
		{"one character", "x", true},
		{"every kind of visible ASCII", `!"#$%&'()*+,-./09:;<=>?@AZ[\]^_` + "`az{|}~", true},
		{"128 characters", strings.Repeat("a", 128), true},
		{"129 characters", strings.Repeat("a", 129), false},
		{"a blank", "a b", false},
		{"a tab", "a\tb", false},
		{"beyond ASCII", "héros", false},
		{"not UTF-8", "\xff", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var seen string
			server, log := serving(t, settings(), route(http.MethodGet, "/", func(_ http.ResponseWriter, r *http.Request) error {
				seen = RequestID(r.Context())
				return Unavailable("so that it is logged")
			}))
			got := ask(t, server, http.MethodGet, "/", "", RequestIDHeader, test.sent).header.Values(RequestIDHeader)
			if len(got) != 1 || got[0] == "" || len(got[0]) > 128 || (got[0] == test.sent) != test.taken {
				t.Fatalf("returned %q, want the client's id: %t", got, test.taken)
			}
			if seen != got[0] {
				t.Errorf("the handler saw %q, the client %q", seen, got[0])
			}
			quoted := strings.ReplaceAll(got[0], `"`, `\"`)
			if lines := log.lines(); len(lines) != 1 || !strings.Contains(strings.ReplaceAll(lines[0], `\\`, `\`), quoted) {
				t.Errorf("logged %q, want a line with %s", lines, got[0])
			}
		})
	}
}

func TestRequestIDsThatAreMadeDiffer(t *testing.T) {
	server, _ := serving(t, settings(), route(http.MethodGet, "/", ok))
	seen := map[string]bool{}
	for range 100 {
		seen[ask(t, server, http.MethodGet, "/", "").header.Get(RequestIDHeader)] = true
	}
	if len(seen) != 100 {
		t.Errorf("100 requests got %d ids", len(seen))
	}
}

func TestRequestIDOutsideOfARequest(t *testing.T) {
	if got := RequestID(t.Context()); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestCallersTimeoutShortensTheDeadline(t *testing.T) {
	const own = time.Minute
	tests := []struct {
		name, sent string
		want       time.Duration
	}{
		{"none", "", own},
		{"shorter", "1500", 1500 * time.Millisecond},
		{"a millisecond less", "59999", 59999 * time.Millisecond},
		{"the same", "60000", own},
		{"longer", "60001", own},
		{"much longer", "9223372036854775807", own},
		{"beyond int64", "9223372036854775808", own},
		{"a fraction", "1.5", own},
		{"a unit", "5s", own},
		{"text", "soon", own},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var left time.Duration
			server, _ := serving(t, Config{Deadline: own}, route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
				deadline, _ := r.Context().Deadline()
				left = time.Until(deadline)
				return ok(w, r)
			}))
			if got := ask(t, server, http.MethodGet, "/", "", TimeoutHeader, test.sent); got.status != http.StatusOK {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			if left > test.want || left < test.want-hang && left < test.want/2 {
				t.Errorf("the handler had %s left, want %s", left, test.want)
			}
		})
	}
}

func waitForDeadline(_ http.ResponseWriter, r *http.Request) error {
	<-r.Context().Done()
	return context.Cause(r.Context())
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
		{"the caller waits no more", "0", settings()},
		{"the caller has waited too long", "-1", settings()},
	} {
		for kind, wait := range map[string]Handler{"answer": waitForDeadline, "list": waitForStep} {
			t.Run(test.name+", "+kind, func(t *testing.T) {
				server, _ := serving(t, test.cfg, route(http.MethodGet, "/", wait))
				got := ask(t, server, http.MethodGet, "/", "", TimeoutHeader, test.sent)
				got.problem(t, http.StatusServiceUnavailable)
				if got.header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
			})
		}
	}
}

// waitForStep is waitForDeadline for the first step of a list.
func waitForStep(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := NewStream(w, r).Step()
	defer cancel()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(hang):
		return errors.New("the list has no deadline")
	}
}

// After a request has arrived completely, only its deadline limits it, not the read timeout.
func TestRequestOutlastsTheReadTimeout(t *testing.T) {
	t.Parallel() // mostly waits
	cfg := settings()
	cfg.ReadHeaderTimeout, cfg.ReadTimeout, cfg.Deadline = 2*time.Second, 2*time.Second, 4*time.Second // far apart, for a busy machine
	server, _ := serving(t, cfg, route(http.MethodGet, "/", func(w http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return WriteBytes(w, "text/plain", []byte(context.Cause(r.Context()).Error()))
	}))
	if got := ask(t, server, http.MethodGet, "/", ""); got.body != context.DeadlineExceeded.Error() {
		t.Errorf("the request ended with %s, want its deadline", got.body)
	}
}

func TestClientThatLeavesEndsItsRequest(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan error, 1)
	server, log := serving(t, settings(), route(http.MethodGet, "/", func(_ http.ResponseWriter, r *http.Request) error {
		close(begun)
		<-r.Context().Done()
		ended <- r.Context().Err()
		return Unavailable("nobody reads this").Because(r.Context().Err())
	}))
	conn := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	await.Value(t, "the request begins", begun)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := await.Value(t, "the request ends", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	checkLog(t, log.lines(), "", "") // a client's behaviour is no fault of ours
}

func TestPanicBeforeTheAnswer(t *testing.T) {
	server, log := serving(t, settings(),
		route(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("kryptonite\nin the code") }),
		route(http.MethodGet, "/ok", ok))
	conn := dial(t, server)
	reader := bufio.NewReader(conn)
	send(t, conn, "GET /panic HTTP/1.1\r\nHost: test\r\nX-Request-Id: the-id\r\n\r\n")
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{response.StatusCode, response.Header, string(body)}
	got.problem(t, http.StatusInternalServerError)
	if strings.Contains(got.body, "kryptonite") || strings.Contains(got.body, "goroutine") {
		t.Errorf("the client sees the cause: %s", got.body)
	}
	checkLog(t, log.lines(), "ERROR", "the-id")
	if line := log.lines()[0]; !strings.Contains(line, "kryptonite") || !strings.Contains(line, "api_test.go") {
		t.Errorf("the log doesn't say what happened where: %s", line)
	}

	send(t, conn, "GET /ok HTTP/1.1\r\nHost: test\r\n\r\n")
	if response, err := http.ReadResponse(reader, nil); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the connection is unusable: %v, %v", response, err)
	}
}

// A response that begins but can't be completed must not look complete: with a length the client misses bytes,
// without one it misses the last chunk.
func TestFailureAfterTheAnswerHasBegun(t *testing.T) {
	begin := func(w http.ResponseWriter) {
		_, _ = w.Write([]byte("[1,"))
		_ = http.NewResponseController(w).Flush()
	}
	tests := []struct {
		name  string
		serve Handler
		level string
	}{
		{"a panic", func(w http.ResponseWriter, _ *http.Request) error {
			begin(w)
			panic("too late")
		}, "ERROR"},
		{"an error", func(w http.ResponseWriter, _ *http.Request) error {
			begin(w)
			return errors.New("too late")
		}, "ERROR"},
		{"the store goes away", func(w http.ResponseWriter, _ *http.Request) error {
			begin(w)
			return Unavailable("too late")
		}, "WARN"},
		{"an error before anything was sent, after it was written", func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write([]byte("[1,"))
			return errors.New("too late")
		}, "ERROR"},
		{"an abort", func(w http.ResponseWriter, r *http.Request) error {
			begin(w)
			panic(http.ErrAbortHandler)
		}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, log := serving(t, settings(), route(http.MethodGet, "/", test.serve), route(http.MethodGet, "/ok", ok))
			conn := dial(t, server)
			send(t, conn, "GET / HTTP/1.1\r\nHost: test\r\nX-Request-Id: the-id\r\n\r\n")
			text, err := io.ReadAll(conn) // a connection that stays open runs into its deadline
			if err != nil && !isReset(err) {
				t.Fatalf("the connection was not aborted: %v", err)
			}
			if response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(text))), nil); err == nil {
				if body, err := io.ReadAll(response.Body); err == nil {
					t.Errorf("the client got a complete response: %d %s", response.StatusCode, body)
				}
			}
			checkLog(t, log.lines(), test.level, "the-id")
			if got := ask(t, server, http.MethodGet, "/ok", ""); got.status != http.StatusOK {
				t.Errorf("the server no longer responds: %d %s", got.status, got.body)
			}
		})
	}
}

func TestAccessLog(t *testing.T) {
	for _, test := range []struct {
		target string
		status string
	}{
		{"/ok", "200"}, {"/empty", "200"}, {"/nothing", "404"}, {"/panic", "500"}, {"/wait", "503"}, {"/ok?a=%ff", "422"}, {"/broken", "200"},
	} {
		t.Run(test.target, func(t *testing.T) {
			cfg, written := settings(), &log{}
			cfg.AccessLog, cfg.Deadline = true, 10*time.Millisecond
			api := NewAPI(huma.Info{Title: "test", Version: "1"}, written.logger(slog.LevelError+1), cfg)
			api.Handle(route(http.MethodGet, "/ok", ok))
			api.Handle(route(http.MethodGet, "/empty", func(http.ResponseWriter, *http.Request) error { return nil }))
			api.Handle(route(http.MethodGet, "/wait", waitForDeadline))
			api.Handle(route(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("no") }))
			api.Handle(route(http.MethodGet, "/broken", func(w http.ResponseWriter, _ *http.Request) error {
				_, _ = w.Write([]byte("["))
				panic("no")
			}))
			server := listen(t, cfg)
			server.Serve(api)
			conn := dial(t, server)
			send(t, conn, "GET "+test.target+" HTTP/1.1\r\nHost: test\r\nX-Request-Id: the-id\r\nConnection: close\r\n\r\n")
			_, _ = io.ReadAll(conn)
			if err := server.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			path, _, _ := strings.Cut(test.target, "?")
			line := strings.Join(written.lines(), "\n")
			for _, want := range []string{" - test - INFO - access method=GET path=" + path + " status=" + test.status + " duration=", " request_id=the-id"} {
				if !strings.Contains(line, want) {
					t.Errorf("%q is not in %q", want, line)
				}
			}
			if strings.Count(line, "\n") != 0 {
				t.Errorf("more than one line: %q", line)
			}
		})
	}
}
