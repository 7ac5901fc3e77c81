package httpserver

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// Bytes after a request with a Transfer-Encoding on the same connection are never parsed as another request: a proxy
// may have taken them for the body.
func TestTransferEncodingEndsConnection(t *testing.T) {
	const second = "POST /fights HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"
	const chunks = "2\r\n{}\r\n0\r\n\r\n"
	for name, test := range map[string]struct {
		first  string
		status []string // of the answers
	}{
		"a length, the control":     {"POST /fights HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\n{}", []string{"200 OK", "200 OK"}},
		"chunked":                   {"POST /fights HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, []string{"200 OK"}},
		"chunked and a length":      {"POST /fights HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, []string{"200 OK"}},
		"chunked, in other letters": {"POST /fights HTTP/1.1\r\nHost: test\r\ntransfer-encoding: CHUNKED\r\n\r\n" + chunks, []string{"200 OK"}},
		"no chunk but the last":     {"POST /fights HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []string{"200 OK"}},
		"a body that nobody reads":  {"GET /fights HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, []string{"405 Method Not Allowed"}},
		"a path that isn't there":   {"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, []string{"404 Not Found"}},
		"the whole server":          {"OPTIONS * HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, []string{"404 Not Found"}},
		"another coding":            {"POST /fights HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + chunks, []string{"501 Not Implemented"}},
		"two of them":               {"POST /fights HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, []string{"501 Not Implemented"}},
		"HTTP/1.0":                  {"POST /fights HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", []string{"200 OK"}},
		"HTTP/1.0, without length":  {"POST /fights HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n", []string{"200 OK"}},
	} {
		t.Run(name, func(t *testing.T) {
			var fights atomic.Int32
			server, _ := serving(t, settings(), route(http.MethodPost, "/fights", func(w http.ResponseWriter, r *http.Request) error {
				fights.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				return ok(w, r)
			}))
			conn := dial(t, server)
			send(t, conn, test.first+second)
			reader := bufio.NewReader(conn)
			served := int32(0)
			for i, want := range test.status {
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatalf("answer %d: %v", i, err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				if response.Status != want || response.Close != (len(test.status) == 1) {
					t.Errorf("answer %d: got %s, close %t, want %s", i, response.Status, response.Close, want)
				}
				if own := response.StatusCode != http.StatusNotImplemented; own && response.Header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("answer %d: %v, want nosniff", i, response.Header)
				}
				if response.StatusCode == http.StatusOK {
					served++
				}
			}
			if len(test.status) == 1 {
				if rest, err := io.ReadAll(reader); err != nil && !isReset(err) || len(rest) > 0 {
					t.Errorf("then came %q, %v, want the end", rest, err)
				}
			}
			if got := fights.Load(); got != served {
				t.Errorf("%d fights, %d of them answered", got, served)
			}
		})
	}
}

func TestEveryAnswerIsNosniff(t *testing.T) {
	server := listen(t, settings())
	check := func(what string, client *http.Client) {
		t.Helper()
		for _, path := range []string{"/livez", "/readyz", "/ok", "/events", "/docs", "/docs/", "/docs/swagger-ui.css", "/redoc", "/redoc/redoc.js", "/openapi.json", "/openapi.yaml", "/panic", "/not-there", "/docs/not-there"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Addr()+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			got := do(t, client, request)
			if values := got.header.Values("X-Content-Type-Options"); len(values) != 1 || values[0] != "nosniff" {
				t.Errorf("%s, %s: %d with X-Content-Type-Options %q", what, path, got.status, values)
			}
		}
	}
	check("before it is ready", client())
	api, _ := newAPI(settings(), route(http.MethodGet, "/ok", ok), route(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("oops") }),
		route(http.MethodGet, "/events", func(w http.ResponseWriter, r *http.Request) error { return NewEvents(w, r).Send([]byte("data: 1\n\n")) }))
	api.AddHealth(Health{Service: "test", Draining: server.Draining})
	api.AddDocs()
	server.Serve(api)
	check("over HTTP/1.1", client())
	over2 := http2Client(t)
	check("over HTTP/2", over2)
	if strings.Join(server.nosniff, " ") != "nosniff" {
		t.Errorf("the shared value is now %q", server.nosniff)
	}
}
