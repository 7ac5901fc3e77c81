package httpserver

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"superheroes/test/await"
)

func TestStarting(t *testing.T) {
	server := listen(t, settings())
	if got := ask(t, server, http.MethodGet, "/livez", ""); got.status != http.StatusOK || got.body != `{"status":"ok"}` {
		t.Errorf("/livez: got %d %s", got.status, got.body)
	}
	for _, path := range []string{"/readyz", "/healthz", "/api/fights", "/docs", "/nothing"} {
		got := ask(t, server, http.MethodGet, path, "")
		if problem := got.problem(t, http.StatusServiceUnavailable); !strings.Contains(problem.Detail, "starting") {
			t.Errorf("%s: detail %q", path, problem.Detail)
		}
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", path)
		}
	}
	api, _ := newAPI(settings(), route(http.MethodGet, "/readyz", ok))
	server.Serve(api)
	if got := ask(t, server, http.MethodGet, "/readyz", ""); got.status != http.StatusOK {
		t.Errorf("after the start: got %d %s", got.status, got.body)
	}
}

func TestAddressInUse(t *testing.T) {
	server := listen(t, settings())
	_, err := Listen(t.Context(), "heroes", server.Addr(), settings(), slog.New(slog.DiscardHandler))
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"heroes", server.Addr()} {
		if !strings.Contains(err.Error(), part) || strings.Count(err.Error(), part) != 1 {
			t.Errorf("%q should name %s, once", err, part)
		}
	}
}

// Each case sends the beginning of something and waits. Only the one short timeout can end it.
func TestServerTimeouts(t *testing.T) {
	const short = 100 * time.Millisecond
	tests := []struct {
		name string
		cfg  func(*Config)
		sent string
		want string // prefix of the response, before the connection ends
	}{
		{"no request at all", func(c *Config) { c.ReadHeaderTimeout = short }, "", ""},
		{"half a header", func(c *Config) { c.ReadHeaderTimeout = short }, "GET / HTTP/1.1\r\nHost: te", ""},
		{"half a body", func(c *Config) { c.ReadTimeout = short }, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200 OK"},
		{"an idle connection", func(c *Config) { c.IdleTimeout = short }, "GET / HTTP/1.1\r\nHost: test\r\n\r\n", "HTTP/1.1 200 OK"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := settings()
			test.cfg(&cfg)
			drain := func(w http.ResponseWriter, r *http.Request) error {
				_, _ = io.Copy(io.Discard, r.Body)
				return ok(w, r)
			}
			server, _ := serving(t, cfg, route(http.MethodGet, "/", drain), route(http.MethodPost, "/", drain))
			conn := dial(t, server)
			send(t, conn, test.sent)
			text, err := io.ReadAll(conn)
			if err != nil && !isReset(err) {
				t.Fatalf("the connection stayed open: %v", err)
			}
			if !strings.HasPrefix(string(text), test.want) || test.want == "" && len(text) > 0 {
				t.Errorf("got %q, want %q", text, test.want)
			}
		})
	}
}

// A handler that writes its response at once has the write timeout for all of it.
func TestWriteTimeout(t *testing.T) {
	cfg := settings()
	cfg.WriteTimeout = 200 * time.Millisecond
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, route(http.MethodGet, "/", func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(make([]byte, 256<<20))
		ended <- err
		return nil
	}))
	conn := dialSmall(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	if err := await.Value(t, "the write ends", ended); err == nil {
		t.Error("256 MiB went to a client that reads nothing")
	}
}

func TestHeaderLimit(t *testing.T) {
	server, _ := serving(t, settings(), route(http.MethodGet, "/", ok))
	tests := []struct {
		name string
		size int
		want string
	}{
		{"15 KiB", 15 << 10, "HTTP/1.1 200 "},
		{"17 KiB", 17 << 10, "HTTP/1.1 431 "},
		{"10 MiB", 10 << 20, "HTTP/1.1 431 "},
	}
	for _, test := range tests {
		for where, format := range map[string][2]string{
			"header": {"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX: ", "\r\n\r\n"},
			"path":   {"GET /?x=", " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"},
		} {
			t.Run(test.name+" in the "+where, func(t *testing.T) {
				conn := dial(t, server)
				_, _ = io.WriteString(conn, format[0]+strings.Repeat("x", test.size)+format[1]) // it may be cut off
				answer, err := io.ReadAll(conn)
				if isReset(err) && test.size > 1<<20 {
					return // the response can be lost if data was unread
				}
				if err != nil || !strings.HasPrefix(string(answer), test.want) {
					t.Errorf("got %q, %v, want %s and a clean end", answer, err, test.want)
				}
			})
		}
	}
}

func TestMalformedRequest(t *testing.T) {
	server, log := serving(t, settings(), route(http.MethodGet, "/", ok))
	for name, request := range map[string]string{
		"no request line":       "\r\n\r\n",
		"not HTTP":              "SSH-2.0-OpenSSH\r\n\r\n",
		"no version":            "GET /\r\n\r\n",
		"a bad version":         "GET / HTTP/x\r\nHost: test\r\n\r\n",
		"a bad escape":          "GET /%zz HTTP/1.1\r\nHost: test\r\n\r\n",
		"a NUL in the path":     "GET /\x00 HTTP/1.1\r\nHost: test\r\n\r\n",
		"no host":               "GET / HTTP/1.1\r\n\r\n",
		"two hosts":             "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"a bad header":          "GET / HTTP/1.1\r\nHost: test\r\nno colon\r\n\r\n",
		"a blank in a name":     "GET / HTTP/1.1\r\nHost: test\r\nX : y\r\n\r\n",
		"a bad length":          "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
		"two lengths":           "GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"TLS on a plain port":   "\x16\x03\x01\x00\x05hello\r\n\r\n",
		"an unprintable method": "G\x01T / HTTP/1.1\r\nHost: test\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, server)
			send(t, conn, request)
			text, err := io.ReadAll(conn)
			if err != nil && !isReset(err) || !strings.HasPrefix(string(text), "HTTP/1.1 400 ") && !strings.HasPrefix(string(text), "HTTP/1.0 400 ") {
				t.Errorf("got %q, %v, want a 400 and the end", text, err)
			}
		})
	}
	checkLog(t, log.lines(), "", "")
	if got := ask(t, server, http.MethodGet, "/", ""); got.status != http.StatusOK {
		t.Errorf("the server no longer responds: %d %s", got.status, got.body)
	}
}

func TestStopAtTheConnectionLimit(t *testing.T) {
	cfg := settings()
	cfg.MaxConnections = 1
	server, _ := serving(t, cfg, route(http.MethodGet, "/", ok))
	conn := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	if err := stop(t, server); err != nil {
		t.Error(err)
	}
}

// stop shuts the server down, and fails the test if that hangs.
func stop(t *testing.T, server *Server) error {
	t.Helper()
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(t.Context()) }()
	return await.Value(t, "the server stops", stopped)
}

// waiting returns a route whose handler signals its start, and waits until it may end.
func waiting(begun chan<- struct{}, may <-chan struct{}) Route {
	return route(http.MethodGet, "/wait", func(w http.ResponseWriter, r *http.Request) error {
		begun <- struct{}{}
		select {
		case <-may:
			return ok(w, r)
		case <-r.Context().Done():
			return context.Cause(r.Context())
		}
	})
}

// result is how a request ended.
type result struct {
	status int
	err    error
}

// askLater sends a GET in the background.
func askLater(t *testing.T, server *Server, path string) <-chan result {
	t.Helper()
	ended := make(chan result, 1)
	go func() {
		response, err := client().Get("http://" + server.Addr() + path)
		if err != nil {
			ended <- result{err: err}
			return
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		ended <- result{response.StatusCode, err}
	}()
	return ended
}

// readAnswer reads one response, and reports whether the connection stays open.
func readAnswer(reader *bufio.Reader) (keeps bool, err error) {
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode == http.StatusOK && !response.Close, err
}

func TestDrain(t *testing.T) {
	t.Parallel() // mostly waits
	cfg := settings()
	cfg.DrainDelay = 5 * time.Second // enough for all requests below, on a busy machine
	server := listen(t, cfg)
	begun, may := make(chan struct{}, 1), make(chan struct{})
	api, _ := newAPI(cfg, waiting(begun, may), route(http.MethodGet, "/ok", ok))
	api.AddHealth(Health{Service: "test", Engine: "sqlite", Store: func(context.Context) error { return nil }, Draining: server.Draining})
	server.Serve(api)
	inFlight := askLater(t, server, "/wait")
	await.Value(t, "a request is in flight", begun)
	kept := dial(t, server) // idle, and about to be used
	send(t, kept, "GET /ok HTTP/1.1\r\nHost: test\r\n\r\n")
	reader := bufio.NewReader(kept)
	if keeps, err := readAnswer(reader); err != nil || !keeps {
		t.Fatalf("got %t, %v, want an answer on a connection that is kept", keeps, err)
	}

	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(t.Context()) }()
	await.True(t, "the server drains", server.Draining)

	if problem := ask(t, server, http.MethodGet, "/readyz", "").problem(t, http.StatusServiceUnavailable); !strings.Contains(problem.Detail, "draining") {
		t.Errorf("/readyz: detail %q", problem.Detail)
	}
	if got := ask(t, server, http.MethodGet, "/healthz", ""); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, `"draining"`) {
		t.Errorf("/healthz: got %d %s", got.status, got.body)
	}
	for _, path := range []string{"/livez", "/ok"} {
		if got := ask(t, server, http.MethodGet, path, ""); got.status != http.StatusOK {
			t.Errorf("%s while draining: got %d %s", path, got.status, got.body)
		}
	}
	send(t, kept, "GET /ok HTTP/1.1\r\nHost: test\r\n\r\n")
	if keeps, err := readAnswer(reader); err != nil || keeps {
		t.Errorf("on a kept connection: got %t, %v, want a response that closes the connection", keeps, err)
	}

	await.True(t, "nothing is accepted any more", func() bool {
		conn, err := net.Dial("tcp", server.Addr())
		if err == nil {
			_ = conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	stopsBehind(t, stopped, inFlight, may)
}

func TestShutdownBreaksOffWhatTakesTooLong(t *testing.T) {
	cfg := settings()
	cfg.ShutdownTimeout = 100 * time.Millisecond
	begun := make(chan struct{}, 1)
	server, _ := serving(t, cfg, waiting(begun, nil))
	inFlight := askLater(t, server, "/wait")
	await.Value(t, "a request is in flight", begun)
	if err := stop(t, server); err != nil {
		t.Errorf("got %v: a slow stop is no failure", err)
	}
	if got := await.Value(t, "the request ends", inFlight); got.err == nil {
		t.Errorf("in flight: got %+v, want it aborted", got)
	}
}

func TestShutdownAtOnce(t *testing.T) {
	cfg := settings()
	cfg.DrainDelay = time.Hour
	begun := make(chan struct{}, 1)
	server, _ := serving(t, cfg, waiting(begun, nil))
	inFlight := askLater(t, server, "/wait")
	await.Value(t, "a request is in flight", begun)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(ctx) }()
	await.True(t, "the server drains", server.Draining)
	cancel()
	if err := await.Value(t, "the server stops", stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := await.Value(t, "the request ends", inFlight); got.err == nil {
		t.Errorf("in flight: got %+v, want it aborted", got)
	}
}

// stopsBehind checks that a stopping server waits for its last request, which ends when may is closed.
func stopsBehind(t *testing.T, stopped <-chan error, inFlight <-chan result, may chan struct{}) {
	t.Helper()
	select {
	case err := <-stopped:
		t.Fatalf("stopped before its last request had ended: %v", err)
	default:
	}
	close(may)
	if got := await.Value(t, "the request in flight ends", inFlight); got.status != http.StatusOK || got.err != nil {
		t.Errorf("in flight: got %+v", got)
	}
	if err := await.Value(t, "the server stops", stopped); err != nil {
		t.Error(err)
	}
}
