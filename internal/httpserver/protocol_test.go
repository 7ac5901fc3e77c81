package httpserver

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// Bytes that follow a request with a Transfer-Encoding are never parsed as another request, because a proxy may have
// treated them as part of the body.
func TestTransferEncodingEndsConnection(t *testing.T) {
	const second = "POST /fights HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"
	for name, test := range map[string]struct {
		line, header, body string
		status             int
	}{
		"a length, the control":     {"POST /fights HTTP/1.1", "Content-Length: 2", "{}", 200},
		"chunked":                   {"POST /fights HTTP/1.1", "Transfer-Encoding: chunked", "", 200},
		"chunked and a length":      {"POST /fights HTTP/1.1", "Content-Length: 4\r\nTransfer-Encoding: CHUNKED", "", 200},
		"a body that is never read": {"GET /fights HTTP/1.1", "Transfer-Encoding: chunked", "", 405},
		"OPTIONS *":                 {"OPTIONS * HTTP/1.1", "Content-Length: 4\r\nTransfer-Encoding: chunked", "", 404},
		"another coding":            {"POST /fights HTTP/1.1", "Transfer-Encoding: gzip, chunked", "", 501},
		"HTTP/1.0":                  {"POST /fights HTTP/1.0", "Connection: keep-alive\r\nContent-Length: 2\r\nTransfer-Encoding: chunked", "{}", 200},
		"HTTP/1.0, no length":       {"POST /fights HTTP/1.0", "Connection: keep-alive\r\nTransfer-Encoding: chunked", "", 200},
	} {
		t.Run(name, func(t *testing.T) {
			var fights atomic.Int32
			server, _ := serving(t, settings(), route(http.MethodPost, "/fights", func(w http.ResponseWriter, r *http.Request) error {
				fights.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				return ok(w, r)
			}))
			if test.body == "" {
				test.body = "2\r\n{}\r\n0\r\n\r\n"
			}
			c, want := dial(t, server), int32(0)
			c.send(t, test.line+"\r\nHost: test\r\n"+test.header+"\r\n\r\n"+test.body+second)
			got, err := c.next()
			if err != nil || got.status != test.status {
				t.Fatalf("got response %+v, error %v, want status %d", got, err, test.status)
			}
			if test.status == http.StatusOK {
				want++
			}
			if strings.HasSuffix(name, "the control") {
				want++
				if next, err := c.next(); err != nil || next.status != http.StatusOK || next.closes {
					t.Errorf("second request: got response %+v, error %v", next, err)
				}
			} else if rest := c.rest(t); rest != "" || !got.closes {
				t.Errorf("first response: close %t, then %q; want the connection to close", got.closes, rest)
			}
			if got := fights.Load(); got != want {
				t.Errorf("%d fights were executed, want %d", got, want)
			}
		})
	}
}

func TestEveryResponseIsNosniff(t *testing.T) {
	server := listen(t, settings(), new(log))
	check := func(what string, client *http.Client) {
		t.Helper()
		for _, path := range []string{
			"/livez", "/readyz", "/ok", "/events", "/docs", "/docs/swagger-ui.css", "/redoc/redoc.js", "/openapi.json", "/panic", "/docs/not-there",
		} {
			got := do(t, client, newRequest(t, server, http.MethodGet, path, http.NoBody))
			if values := got.header.Values("X-Content-Type-Options"); len(values) != 1 || values[0] != "nosniff" {
				t.Errorf("%s, %s: got %d with X-Content-Type-Options %q", what, path, got.status, values)
			}
		}
	}
	check("before the server is ready", client())
	api, _ := newAPI(settings(), route(http.MethodGet, "/ok", ok),
		route(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("oops") }),
		route(http.MethodGet, "/events", func(w http.ResponseWriter, r *http.Request) error {
			return NewEvents(w, r).Send([]byte("data: 1\n\n"))
		}))
	api.AddHealth(Health{Service: "test", Draining: server.Draining})
	api.AddDocs()
	server.Serve(api)
	check("over HTTP/1.1", client())
	check("over HTTP/2", http2Client(t))
	if strings.Join(server.nosniff, " ") != "nosniff" {
		t.Errorf("a response has changed the shared header value to %q", server.nosniff)
	}
}
