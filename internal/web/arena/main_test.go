package arena

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/goleak"

	"superheroes/internal/httpserver"
	"superheroes/internal/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hang is a timeout for operations that would hang if the code were wrong. Correct code never comes near this limit.
const hang = 30 * time.Second

// limits returns server and client configurations with limits that no test reaches; each test lowers the limit that it
// tests.
func limits() (httpserver.Config, remote.ProxyConfig) {
	server := httpserver.Config{
		Deadline: time.Minute, ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ShutdownTimeout: time.Millisecond,
		AllowedHosts: []httpserver.HostName{"x", "elsewhere"},
	}
	return server, remote.ProxyConfig{Connect: time.Minute, Write: time.Minute, Read: time.Minute, MaxConnections: 100, IdleConnections: 20}
}

// serve starts an arena in front of the given services and returns its address.
func serve(t *testing.T, cfg httpserver.Config, parts map[string]Part) string {
	t.Helper()
	return start(t, cfg, parts).Addr()
}

// start is like serve, but returns the server.
func start(t *testing.T, cfg httpserver.Config, parts map[string]Part) *httpserver.Server {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	server, err := httpserver.Listen(t.Context(), "arena", "127.0.0.1:0", cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Shutdown(context.WithoutCancel(t.Context())) })
	api := httpserver.NewAPI(huma.Info{Title: "Arena", Version: "test"}, quiet, cfg)
	stopping, stop := context.WithCancel(context.Background())
	server.OnShutdown(stop)
	if err := AddRoutes(stopping, api, parts); err != nil {
		t.Fatal(err)
	}
	server.Serve(api)
	return server
}

// remotePart returns the named service, reached at the given base URL.
func remotePart(t *testing.T, name, base string, cfg remote.ProxyConfig) *remote.Proxy {
	t.Helper()
	part, err := remote.NewProxy(name, base, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = part.Close() })
	return part
}

// answer is a response.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends the text of a request with CRLF line endings, and returns the response.
func ask(t *testing.T, addr, request string) answer {
	t.Helper()
	conn := dial(t, addr)
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func get(t *testing.T, addr, target string, headers ...string) answer {
	t.Helper()
	return ask(t, addr, "GET "+target+" HTTP/1.1\nHost: "+addr+"\n"+strings.Join(append(headers, "Connection: close\n\n"), "\n"))
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// open sends a GET and reads the header of the response. The connection is closed at the end of the test.
func open(t *testing.T, addr, target string, headers ...string) (net.Conn, *http.Response) {
	t.Helper()
	conn := dial(t, addr)
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target, strings.Join(append(headers, ""), "\r\n"))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return conn, response
}
