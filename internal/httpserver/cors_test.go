package httpserver

import (
	"net/http"
	"strings"
	"testing"
)

func TestOrigin(t *testing.T) {
	for text, want := range map[string]Origin{
		"https://heroes.example":           "https://heroes.example",
		"HTTP://Heroes.Example:80":         "http://heroes.example",
		"https://heroes.example:443":       "https://heroes.example",
		"http://heroes.example:443":        "http://heroes.example:443",
		"http://[0:0:0:0:0:0:0:1]:3000":    "http://[::1]:3000",
		"http://127.0.0.1:8000":            "http://127.0.0.1:8000",
		"null":                             "",
		"//heroes.example":                 "",
		"https://":                         "",
		"https://heroes.example/":          "",
		"https://heroes.example?":          "",
		"https://heroes.example#":          "",
		"https://user:pw@heroes.example":   "",
		"ftp://heroes.example":             "",
		"https://heroes.example:":          "",
		"https://heroes.example:0":         "",
		"https://heroes.example:65536":     "",
		"https://*.example":                "",
		"http://::1":                       "",
		"https:heroes.example":             "",
		"https://heroes.example https://a": "",
	} {
		var got Origin
		if err := got.UnmarshalText([]byte(" " + text)); got != want || (err == nil) != (want != "") {
			t.Errorf("parsing %q: got origin %q, error %v, want %q", text, got, err, want)
		}
		if want != "" {
			newSites([]Origin{got}) // panics if net/http rejects the origin
		}
	}
}

// corsOf returns the CORS headers of a response including Vary, or "" if there are none.
func corsOf(header http.Header) string {
	var found []string
	for _, name := range []string{
		"Allow-Origin", "Allow-Methods", "Allow-Headers", "Allow-Credentials", "Expose-Headers", "Max-Age",
	} {
		if header.Get("Access-Control-"+name) != "" {
			found = append(found, name)
		}
	}
	return strings.Join(append(found, header.Values("Vary")...), " ")
}

// Pages from trusted origins may read every response, including refusals and responses during startup; other pages may
// read none. Not even a trusted page can read the response to a request with an unknown Host.
func TestCORS(t *testing.T) {
	const trusted, other = "https://front.example", "https://elsewhere.example"
	const reads, preflights = "Allow-Origin Expose-Headers Origin", "Allow-Origin Allow-Methods Allow-Headers Expose-Headers Max-Age Origin"
	cfg := settings()
	cfg.TrustedOrigins = []Origin{trusted}
	stored := 0
	fails := route(http.MethodGet, "/fails", func(http.ResponseWriter, *http.Request) error { return Unavailable("now") })
	trusting, _ := serving(t, cfg, append(storing(&stored), fails)...)
	starting := listen(t, cfg, new(log))
	alone, _ := serving(t, settings(), storing(&stored)...)
	for _, c := range []struct {
		name           string
		server         *Server
		target, origin string
		preflight      bool
		status         int
		want           string
	}{
		{"a change", trusting, "PATCH /store", trusted, false, 200, reads},
		{"a failure", trusting, "GET /fails", trusted, false, 503, reads},
		{"an unknown path", trusting, "GET /nothing", trusted, false, 404, reads},
		{"during startup", starting, "GET /read", trusted, false, 503, reads},
		{"a preflight", trusting, "OPTIONS /store", trusted, true, 204, preflights},
		{"a preflight during startup", starting, "OPTIONS /store", trusted, true, 204, preflights},
		{"OPTIONS without a preflight's header", trusting, "OPTIONS /store", trusted, false, 405, reads},
		{"another origin", trusting, "GET /read", other, false, 200, "Origin"},
		{"another origin's preflight", trusting, "OPTIONS /store", other, true, 405, "Origin"},
		{"no origin", trusting, "GET /read", "", false, 200, "Origin"},
		{"no trusted origins", alone, "OPTIONS /store", trusted, true, 405, ""},
	} {
		method, path, _ := strings.Cut(c.target, " ")
		request := newRequest(t, c.server, method, path, http.NoBody)
		if c.origin != "" {
			request.Header.Set("Origin", c.origin)
		}
		if c.preflight {
			request.Header.Set("Access-Control-Request-Method", "PATCH")
		}
		got := do(t, client(), request)
		if got.status != c.status || corsOf(got.header) != c.want {
			t.Errorf("%s: got %d with CORS %q, want %d, %q", c.name, got.status, corsOf(got.header), c.status, c.want)
		}
		if origin := got.header.Get("Access-Control-Allow-Origin"); origin != "" && origin != trusted {
			t.Errorf("%s: pages from %q may read the response", c.name, origin)
		}
		request.Host = "attacker.example"
		got = do(t, client(), request)
		if got.problem(t, http.StatusMisdirectedRequest); corsOf(got.header) != "" {
			t.Errorf("%s, with an unknown Host: got CORS headers %q", c.name, corsOf(got.header))
		}
	}
}
