package httpserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"go.uber.org/goleak"

	"superheroes/internal/logging"
	"superheroes/test/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hang is a timeout for operations that would hang if the code were wrong. Correct code never comes near this limit.
const hang = 30 * time.Second

// log collects log lines.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// lines returns the lines logged so far.
func (l *log) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.text.String(), "\n"), "\n")
}

func (l *log) logger() *slog.Logger {
	return logging.New(l, "test", logging.Config{Level: slog.LevelWarn})
}

// check fails the test unless the log consists of a single line with the given level and the request's id, or is empty
// if level is "".
func (l *log) check(t *testing.T, level, id string) {
	t.Helper()
	lines := l.lines()
	if level == "" {
		if lines[0] != "" {
			t.Errorf("logged %q, want nothing", lines)
		}
		return
	}
	if len(lines) != 1 || !strings.Contains(lines[0], " - test - "+level+" - ") ||
		!strings.Contains(lines[0], "request_id="+id) {
		t.Errorf("logged %q, want one line of level %s with request_id=%s", lines, level, id)
	}
}

// settings returns a Config with limits that no test reaches; each test lowers the limit that it tests.
func settings() Config {
	return Config{
		Deadline: time.Minute, ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ShutdownTimeout: time.Minute,
		AllowedHosts: []HostName{"test"},
	}
}

// route returns an undocumented route.
func route(method, path string, serve Handler) Route {
	id := strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "", ".", "").Replace(path)
	return Route{Operation: huma.Operation{OperationID: id, Method: method, Path: path}, Serve: serve}
}

// get returns a route for GET /.
func get(serve Handler) Route { return route(http.MethodGet, "/", serve) }

func ok(w http.ResponseWriter, _ *http.Request) error { return WriteJSON(w, []byte(`{}`)) }

// waiting returns a route whose handler signals on begun that it has started, and then waits until it receives from the
// may channel or the client leaves.
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

// newAPI returns an API with the given routes, and its log.
func newAPI(cfg Config, routes ...Route) (*API, *log) {
	written := &log{}
	api := NewAPI(huma.Info{Title: "test", Version: "1"}, written.logger(), cfg)
	for _, route := range routes {
		api.Handle(route)
	}
	return api, written
}

// listen starts a server on loopback without an API. The server is stopped at the end of the test.
func listen(t *testing.T, cfg Config, written *log) *Server {
	t.Helper()
	server, err := Listen(t.Context(), "test", "127.0.0.1:0", cfg, written.logger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = server.Shutdown(ctx) // stops the server at once, unless the test has already stopped it
	})
	return server
}

// serving starts a server with the given routes.
func serving(t *testing.T, cfg Config, routes ...Route) (*Server, *log) {
	t.Helper()
	api, written := newAPI(cfg, routes...)
	server := listen(t, cfg, written)
	server.Serve(api)
	return server, written
}

// stop shuts the server down, and fails the test if the shutdown hangs.
func stop(t *testing.T, server *Server) error {
	t.Helper()
	stopped := make(chan error, 1)
	go func() { stopped <- server.Shutdown(t.Context()) }()
	return await.Value(t, "the server stops", stopped)
}

// conn is a client connection that sends raw bytes.
type conn struct {
	net.Conn
	reader *bufio.Reader
}

// dial connects to the server with the given options.
func dial(t *testing.T, server *Server, options ...func(*net.Dialer)) conn {
	t.Helper()
	var dialer net.Dialer
	for _, option := range options {
		option(&dialer)
	}
	c, err := dialer.DialContext(t.Context(), "tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	return conn{c, bufio.NewReader(c)}
}

// smallWindow is an option that gives the client a small receive buffer, so that data it doesn't read stays with the
// server.
func smallWindow(dialer *net.Dialer) {
	dialer.Control = func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { setReceiveBuffer(fd, 16<<10) })
	}
}

func (c conn) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// next reads one response.
func (c conn) next() (reply, error) {
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return reply{}, err
	}
	return read(response)
}

// rest reads until the server closes the connection, and fails the test if the connection stays open.
func (c conn) rest(t *testing.T) string {
	t.Helper()
	text, err := io.ReadAll(c.reader)
	if err != nil && !isReset(err) {
		t.Errorf("the connection stayed open: %v", err)
	}
	return string(text)
}

// isReset reports whether err means that the other side closed the connection with unread data.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// reply is a response whose body has been read.
type reply struct {
	status int
	header http.Header
	body   string
	closes bool // the connection
}

func read(response *http.Response) (reply, error) {
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(text), response.Close}, err
}

// problem checks that the response is a problem with the given status, and returns the problem.
func (a reply) problem(t *testing.T, status int) Problem {
	t.Helper()
	var problem Problem
	if err := json.Unmarshal([]byte(a.body), &problem, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("got %d %s, which is not a problem: %v", a.status, a.body, err)
	}
	if a.status != status || problem.Status != status {
		t.Errorf("got status %d, with %d in the body, want %d: %s", a.status, problem.Status, status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != ProblemType {
		t.Errorf("content type %q, want %q", got, ProblemType)
	}
	if problem.Title != http.StatusText(status) || problem.Detail == "" {
		t.Errorf("got title %q and detail %q, want title %q and any detail", problem.Title, problem.Detail,
			http.StatusText(status))
	}
	return problem
}

// client returns a client that doesn't keep connections alive, request compression or follow redirects.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		Timeout:       hang,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// http2Client returns a client that speaks HTTP/2 with prior knowledge.
func http2Client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: hang}
}

// newRequest returns a request to the server; header holds alternating names and values.
func newRequest(t *testing.T, server *Server, method, target string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+server.Addr()+target, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	return request
}

// ask sends a request over HTTP/1.1.
func ask(t *testing.T, server *Server, method, target, body string, header ...string) reply {
	t.Helper()
	return do(t, client(), newRequest(t, server, method, target, strings.NewReader(body), header...))
}

func do(t *testing.T, client *http.Client, request *http.Request) reply {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(response)
	if err != nil {
		t.Fatalf("reading the response: %v", err)
	}
	return got
}

// result is the status of a response, or the error of a failed request.
type result struct {
	status int
	err    error
}

// askLater sends a GET in the background.
func askLater(t *testing.T, client *http.Client, server *Server, target string) <-chan result {
	t.Helper()
	ended, request := make(chan result, 1), newRequest(t, server, http.MethodGet, target, http.NoBody)
	go func() {
		response, err := client.Do(request)
		if err != nil {
			ended <- result{err: err}
			return
		}
		got, err := read(response)
		ended <- result{got.status, err}
	}()
	return ended
}
