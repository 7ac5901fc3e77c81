package httpserver

import (
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
	server := listen(t, settings(), new(log))
	if got := ask(t, server, http.MethodGet, "/livez", ""); got.status != http.StatusOK || got.body != `{"status":"ok"}` {
		t.Errorf("/livez: got %d %s", got.status, got.body)
	}
	for _, path := range []string{"/readyz", "/api/fights"} {
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
		t.Errorf("after Serve: got %d %s", got.status, got.body)
	}
	_, err := Listen(t.Context(), "heroes", server.Addr(), settings(), slog.New(slog.DiscardHandler))
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("listening on an address in use: got %v, want EADDRINUSE", err)
	}
	for _, part := range []string{"heroes", server.Addr()} {
		if strings.Count(err.Error(), part) != 1 {
			t.Errorf("error %q should contain %s exactly once", err, part)
		}
	}
}

// Each case sends the beginning of a request and then waits. The server must close the connection when the case's short
// timeout expires, or at once if no valid request can begin that way.
func TestServerTimeouts(t *testing.T) {
	const short = 100 * time.Millisecond
	for _, test := range []struct {
		name string
		cfg  func(*Config)
		sent string
		want string // prefix of the response before the connection closes
	}{
		{"no request at all", func(c *Config) { c.ReadHeaderTimeout = short }, "", ""},
		{"half a header", func(c *Config) { c.ReadHeaderTimeout = short }, "GET / HTTP/1.1\r\nHost: te", ""},
		{"half a body", func(c *Config) { c.ReadTimeout = short },
			"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200 OK"},
		{"half a body that a stream's handler doesn't read", func(c *Config) { c.ReadTimeout = short },
			"GET /stream HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 200 OK"},
		{"no request line", func(*Config) {}, "\r\n\r\n", "HTTP/1.1 400 "},
		{"not HTTP", func(*Config) {}, "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 400 "},
		{"an idle connection", func(c *Config) { c.IdleTimeout = short }, plainRequest, "HTTP/1.1 200 OK"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := settings()
			test.cfg(&cfg)
			drain := func(w http.ResponseWriter, r *http.Request) error {
				_, _ = io.Copy(io.Discard, r.Body)
				return ok(w, r)
			}
			server, log := serving(t, cfg, get(drain), route(http.MethodPost, "/", drain),
				route(http.MethodGet, "/stream", func(w http.ResponseWriter, r *http.Request) error {
					return NewStream(w, r).Write(make([]byte, piece))
				}))
			c := dial(t, server)
			c.send(t, test.sent)
			if text := c.rest(t); !strings.HasPrefix(text, test.want) || test.want == "" && text != "" {
				t.Errorf("got %q, want %q", text, test.want)
			}
			log.check(t, "", "")
		})
	}
}

// Once a request has arrived completely, its handler is limited only by the deadline, not by the read timeout. A
// response written in one piece must be sent within the write timeout.
func TestHandlerMayOutlastReadTimeout(t *testing.T) {
	t.Parallel() // mostly waits
	cfg := settings()
	// The timeouts are far apart, so that the test passes on a busy machine.
	cfg.ReadHeaderTimeout, cfg.ReadTimeout, cfg.Deadline = time.Second, time.Second, 2*time.Second
	cfg.WriteTimeout = 3 * time.Second
	ended := make(chan error, 1)
	server, _ := serving(t, cfg, get(func(w http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		ended <- context.Cause(r.Context())
		_, err := w.Write(make([]byte, 256<<20))
		ended <- err
		return nil
	}))
	dial(t, server, smallWindow).send(t, plainRequest)
	if err := await.Value(t, "the request ends", ended); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the request's context ended with %s, want its deadline", err)
	}
	if err := await.Value(t, "the write ends", ended); err == nil {
		t.Error("256 MiB was sent to a client that reads nothing")
	}
}

func TestHeaderLimit(t *testing.T) {
	t.Parallel() // net/http pauses after a 431
	server, _ := serving(t, settings(), get(ok))
	for where, format := range map[string][2]string{
		"header": {"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nX: ", "\r\n\r\n"},
		"path":   {"GET /?x=", " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"},
	} {
		for size, want := range map[int]int{15 << 10: http.StatusOK, 17 << 10: http.StatusRequestHeaderFieldsTooLarge} {
			c := dial(t, server)
			c.send(t, format[0]+strings.Repeat("x", size)+format[1])
			if got, err := c.next(); err != nil || got.status != want {
				t.Errorf("%d bytes in the %s: got response %+v, error %v, want status %d", size, where, got, err, want)
			}
			c.rest(t)
		}
	}
	// Over HTTP/2 the client itself may refuse to send such a long header.
	response, err := http2Client(t).Do(newRequest(t, server, http.MethodGet, "/?"+strings.Repeat("x", 17<<10), http.NoBody))
	if err == nil {
		_ = response.Body.Close()
		if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("over HTTP/2: got %s", response.Status)
		}
	}
}

// A draining server is alive but not ready. It serves one more request per connection, over either protocol, and asks
// the client to send its next request on a new connection. When Shutdown's context ends, it aborts the requests in
// flight.
func TestDrain(t *testing.T) {
	cfg := settings()
	cfg.DrainDelay = time.Hour
	server := listen(t, cfg, new(log))
	begun := make(chan struct{}, 1)
	api, _ := newAPI(cfg, waiting(begun, nil), get(ok))
	store := func(context.Context) error { return nil }
	api.AddHealth(Health{Service: "test", Engine: "sqlite", Store: store, Draining: server.Draining})
	server.Serve(api)
	inFlight := askLater(t, client(), server, "/wait")
	await.Value(t, "a request is in flight", begun)
	kept, over2 := dial(t, server), http2Client(t) // idle connections that will be used again
	for range 2 {
		kept.send(t, plainRequest)
		if got, err := kept.next(); err != nil || got.closes {
			t.Fatalf("got response %+v, error %v, want a response that keeps the connection open", got, err)
		}
	}
	get2(t, over2, server, "/")
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(ctx) }()
	await.True(t, "the server drains", server.Draining)

	problem := ask(t, server, http.MethodGet, "/readyz", "").problem(t, http.StatusServiceUnavailable)
	if !strings.Contains(problem.Detail, "draining") {
		t.Errorf("/readyz: detail %q", problem.Detail)
	}
	for _, path := range []string{"/livez", "/"} {
		if got := ask(t, server, http.MethodGet, path, ""); got.status != http.StatusOK {
			t.Errorf("%s while draining: got %d %s", path, got.status, got.body)
		}
	}
	kept.send(t, plainRequest)
	if got, err := kept.next(); err != nil || got.status != http.StatusOK || !got.closes {
		t.Errorf("on the kept-alive connection: got response %+v, error %v, want a response that closes it", got, err)
	}
	get2(t, over2, server, "/")
	await.True(t, "both connections are closed", func() bool { open, _ := server.listener.count(); return open == 1 })
	cancel()
	if err := await.Value(t, "the server stops", stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := await.Value(t, "the request ends", inFlight); got.err == nil {
		t.Errorf("the request in flight got %+v, want it aborted", got)
	}
}

// After the drain delay, a stopping server accepts no connections, closes idle ones, and waits for requests in flight.
func TestShutdown(t *testing.T) {
	t.Parallel() // mostly waits
	cfg := settings()
	cfg.DrainDelay = time.Millisecond
	begun, may := make(chan struct{}, 2), make(chan struct{})
	server, _ := serving(t, cfg, get(ok), waiting(begun, may))
	get2(t, http2Client(t), server, "/")
	idle := dial(t, server)
	idle.send(t, plainRequest)
	if _, err := idle.next(); err != nil {
		t.Fatal(err)
	}
	var inFlight []<-chan result
	for _, client := range []*http.Client{client(), http2Client(t)} {
		inFlight = append(inFlight, askLater(t, client, server, "/wait"))
		await.Value(t, "a request is in flight", begun)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(t.Context()) }()
	await.True(t, "the server accepts no more connections", func() bool {
		conn, err := net.Dial("tcp", server.Addr())
		if err == nil {
			_ = conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	await.True(t, "idle connections are closed", func() bool { open, _ := server.listener.count(); return open == 2 })
	select {
	case err := <-stopped:
		t.Fatalf("the server stopped before its last request had ended: %v", err)
	default:
	}
	close(may)
	for _, one := range inFlight {
		if got := await.Value(t, "a request in flight ends", one); got.status != http.StatusOK || got.err != nil {
			t.Errorf("in flight: got %+v", got)
		}
	}
	if err := await.Value(t, "the server stops", stopped); err != nil {
		t.Error(err)
	}
}

func TestShutdownAbortsSlowRequests(t *testing.T) {
	cfg := settings()
	cfg.ShutdownTimeout = 100 * time.Millisecond
	begun := make(chan struct{}, 1)
	server, _ := serving(t, cfg, waiting(begun, nil))
	inFlight := askLater(t, client(), server, "/wait")
	await.Value(t, "a request is in flight", begun)
	if err := stop(t, server); err != nil {
		t.Errorf("got error %v, but aborting slow requests must not be an error", err)
	}
	if got := await.Value(t, "the request ends", inFlight); got.err == nil {
		t.Errorf("the request in flight got %+v, want it aborted", got)
	}
}

// When Shutdown returns, all requests are canceled, so that none can take the stores that its caller closes next for
// failing ones.
func TestShutdownCancelsRequests(t *testing.T) {
	cfg := settings()
	cfg.ShutdownTimeout = time.Nanosecond
	begun, end, ended := make(chan context.Context), make(chan struct{}), make(chan struct{})
	server, _ := serving(t, cfg, get(func(w http.ResponseWriter, r *http.Request) error {
		defer close(ended)
		begun <- r.Context()
		<-end
		return ok(w, r)
	}))
	inFlight := askLater(t, client(), server, "/")
	request := await.Value(t, "a request is in flight", begun)
	if err := stop(t, server); err != nil {
		t.Error(err)
	}
	if err := request.Err(); err != context.Canceled {
		t.Errorf("the request's context has the error %v, want it canceled", err)
	}
	close(end)
	await.Value(t, "the handler returns", ended)
	if got := await.Value(t, "the request ends", inFlight); got.err == nil {
		t.Errorf("the request in flight got %+v, want it aborted", got)
	}
}
