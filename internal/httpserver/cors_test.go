package httpserver

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestOrigin(t *testing.T) {
	for text, want := range map[string]Origin{
		"https://heroes.example": "https://heroes.example", "HTTP://Heroes.Example:80": "http://heroes.example", "https://heroes.example:443": "https://heroes.example",
		"http://heroes.example:443": "http://heroes.example:443", "http://localhost:3000": "http://localhost:3000", "http://[::1]:3000": "http://[::1]:3000",
		"http://[0:0:0:0:0:0:0:1]": "http://[::1]", "http://[0:0:0:0:0:0:0:1]:3000": "http://[::1]:3000", "http://127.0.0.1:8000": "http://127.0.0.1:8000",
	} {
		var got Origin
		if err := got.UnmarshalText([]byte(" " + text)); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
		newSites([]Origin{got}) // panics if net/http rejects the origin
	}
	for _, text := range []string{
		"", "*", "null", "heroes.example", "//heroes.example", "https://", "https:///", "https://heroes.example/", "https://heroes.example/path",
		"https://heroes.example?", "https://heroes.example?a", "https://heroes.example#", "https://u:p@heroes.example", "ftp://heroes.example", "file:///x",
		"https://heroes.example:", "https://heroes.example:0", "https://heroes.example:65536", "https://heroes.example:x", "https://*.example", "https://a b",
		"https://é.example", "https://heroes..example", "http://[::1", "http://::1", "https:heroes.example",
	} {
		var got Origin
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted as the origin %q", text, got)
		}
	}
}

// corsOf returns the CORS headers of a response including Vary, or "" if there are none.
func corsOf(header http.Header) string {
	var found []string
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers", "Access-Control-Max-Age"} {
		if value := header.Get(name); value != "" {
			found = append(found, name)
		}
	}
	return strings.ReplaceAll(strings.Join(append(found, header.Values("Vary")...), " "), "Access-Control-", "")
}

// Pages of trusted origins may read every response, including refusals and those during startup; other pages none.
func TestCORS(t *testing.T) {
	const trusted = "https://front.example"
	cfg := settings()
	cfg.TrustedOrigins = []Origin{trusted}
	stored := 0
	trusting, _ := serving(t, cfg, append(storing(&stored), route(http.MethodGet, "/fails", func(http.ResponseWriter, *http.Request) error {
		return Unavailable("now")
	}))...)
	starting := listen(t, cfg)
	alone, _ := serving(t, settings(), storing(&stored)...)
	for _, c := range []struct {
		name         string
		server       *Server
		method, path string
		origin       string
		preflight    bool
		status       int
		want         string
	}{
		{name: "a read", server: trusting, method: "GET", path: "/read", origin: trusted, status: 200, want: "Allow-Origin Expose-Headers Origin"},
		{name: "a change", server: trusting, method: "PATCH", path: "/store", origin: trusted, status: 200, want: "Allow-Origin Expose-Headers Origin"},
		{name: "a failure", server: trusting, method: "GET", path: "/fails", origin: trusted, status: 503, want: "Allow-Origin Expose-Headers Origin"},
		{name: "an unknown path", server: trusting, method: "GET", path: "/nothing", origin: trusted, status: 404, want: "Allow-Origin Expose-Headers Origin"},
		{name: "while it starts", server: starting, method: "GET", path: "/read", origin: trusted, status: 503, want: "Allow-Origin Expose-Headers Origin"},
		{name: "a preflight", server: trusting, method: "OPTIONS", path: "/store", origin: trusted, preflight: true, status: 204, want: "Allow-Origin Allow-Methods Allow-Headers Expose-Headers Max-Age Origin"},
		{name: "a preflight while it starts", server: starting, method: "OPTIONS", path: "/store", origin: trusted, preflight: true, status: 204, want: "Allow-Origin Allow-Methods Allow-Headers Expose-Headers Max-Age Origin"},
		{name: "no preflight", server: trusting, method: "OPTIONS", path: "/store", origin: trusted, status: 405, want: "Allow-Origin Expose-Headers Origin"},
		{name: "another origin", server: trusting, method: "GET", path: "/read", origin: "https://elsewhere.example", status: 200, want: "Origin"},
		{name: "another origin's preflight", server: trusting, method: "OPTIONS", path: "/store", origin: "https://elsewhere.example", preflight: true, status: 405, want: "Origin"},
		{name: "no origin", server: trusting, method: "GET", path: "/read", status: 200, want: "Origin"},
		{name: "nobody is trusted", server: alone, method: "GET", path: "/read", origin: trusted, status: 200},
		{name: "nobody is trusted, a preflight", server: alone, method: "OPTIONS", path: "/store", origin: trusted, preflight: true, status: 405},
	} {
		header := []string{"X-Any", "1"}
		if c.origin != "" {
			header = append(header, "Origin", c.origin)
		}
		if c.preflight {
			header = append(header, "Access-Control-Request-Method", "PATCH")
		}
		got := ask(t, c.server, c.method, c.path, "", header...)
		if got.status != c.status || corsOf(got.header) != c.want {
			t.Errorf("%s: got %d with %q, want %d with %q", c.name, got.status, corsOf(got.header), c.status, c.want)
		}
		if origin := got.header.Get("Access-Control-Allow-Origin"); origin != "" && origin != trusted {
			t.Errorf("%s: %q may read", c.name, origin)
		}
	}
}

// A request with an unknown Host can't be read, not even by a trusted page.
func TestCORSRefusedHost(t *testing.T) {
	cfg := settings()
	cfg.TrustedOrigins = []Origin{"https://front.example"}
	server, _ := serving(t, cfg, route(http.MethodGet, "/", ok))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Addr()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "attacker.example"
	request.Header.Set("Origin", "https://front.example")
	got := do(t, client(), request)
	if got.problem(t, http.StatusMisdirectedRequest); corsOf(got.header) != "" {
		t.Errorf("got %q", corsOf(got.header))
	}
}
