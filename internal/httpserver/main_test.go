package httpserver

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"go.uber.org/goleak"

	"superheroes/internal/logging"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hang is a timeout for what would hang if the code were wrong. Correct code never comes near it.
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

func (l *log) logger(level slog.Level) *slog.Logger {
	return logging.New(l, "test", logging.Config{Level: level})
}

// settings returns limits that no test reaches; each test lowers the one that it is about.
func settings() Config {
	return Config{
		Deadline: time.Minute, ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ShutdownTimeout: time.Minute,
		AllowedHosts: []HostName{"test"},
	}
}

// route returns a route without documentation.
func route(method, path string, serve Handler) Route {
	id := strings.ToLower(method) + strings.NewReplacer("/", "-", "{", "", "}", "", ".", "").Replace(path)
	return Route{Operation: huma.Operation{OperationID: id, Method: method, Path: path}, Serve: serve}
}

// newAPI returns an API with the given routes, and its log.
func newAPI(cfg Config, routes ...Route) (*API, *log) {
	written := &log{}
	api := NewAPI(huma.Info{Title: "test", Version: "1"}, written.logger(slog.LevelWarn), cfg)
	for _, route := range routes {
		api.Handle(route)
	}
	return api, written
}

// listen starts a server on loopback that ends with the test.
func listen(t *testing.T, cfg Config) *Server {
	t.Helper()
	server, err := Listen(t.Context(), "test", "127.0.0.1:0", cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = server.Shutdown(ctx) // at once; a test that cares has stopped it already
	})
	return server
}

// serving starts a server with the given routes.
func serving(t *testing.T, cfg Config, routes ...Route) (*Server, *log) {
	t.Helper()
	server := listen(t, cfg)
	api, written := newAPI(cfg, routes...)
	server.Serve(api)
	return server, written
}

// dial connects to the server as a client that speaks plain bytes.
func dial(t *testing.T, server *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// answer is a response with its body.
type answer struct {
	status int
	header http.Header
	body   string
}

// client doesn't keep connections alive, request compression or follow redirects.
func client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		Timeout:       hang,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask sends a request; header holds names and values in turn.
func ask(t *testing.T, server *Server, method, target, body string, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+server.Addr()+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return do(t, client(), request)
}

func do(t *testing.T, client *http.Client, request *http.Request) answer {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// problem checks that the response is a problem of this status, and returns it.
func (a answer) problem(t *testing.T, status int) Problem {
	t.Helper()
	var problem Problem
	if err := json.Unmarshal([]byte(a.body), &problem, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("got %d %s, which is no problem: %v", a.status, a.body, err)
	}
	if a.status != status || problem.Status != status {
		t.Errorf("got status %d, with %d in the body, want %d: %s", a.status, problem.Status, status, a.body)
	}
	if got := a.header.Get("Content-Type"); got != ProblemType {
		t.Errorf("content type %q, want %q", got, ProblemType)
	}
	if problem.Title != http.StatusText(status) || problem.Detail == "" {
		t.Errorf("title %q and detail %q, want %q and one", problem.Title, problem.Detail, http.StatusText(status))
	}
	return problem
}

func ok(w http.ResponseWriter, _ *http.Request) error { return WriteJSON(w, []byte(`{}`)) }
