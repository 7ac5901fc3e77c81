package httpserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// storing returns a GET route that only reads, a GET route that stores, and a storing route for each other method. Each
// storing route increments stored.
func storing(stored *int) []Route {
	store := func(w http.ResponseWriter, r *http.Request) error {
		*stored++
		return ok(w, r)
	}
	routes := []Route{route(http.MethodGet, "/read", ok)}
	execute := route(http.MethodGet, "/execute", store)
	execute.Stores = true
	routes = append(routes, execute)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		routes = append(routes, route(method, "/store", store))
	}
	return routes
}

// TestSites sends requests as browsers send them: requests from pages on other sites are refused on routes that store
// something, and allowed on routes that only read.
func TestSites(t *testing.T) {
	const trusted = "https://front.example"
	stored := 0
	cfg := settings()
	cfg.TrustedOrigins = []Origin{trusted}
	server, _ := serving(t, cfg, storing(&stored)...)
	own := "http://" + server.Addr()
	const public = "https://name-8000.forwarded.example"
	forwarded := func(header ...string) []string {
		return append(header, "X-Forwarded-Host", strings.TrimPrefix(public, "https://"), "X-Forwarded-Proto", "https")
	}
	const refused, byGETOnly, taken = "refused", "allowed by GET only", "allowed"
	for _, c := range []struct {
		name, what string
		header     []string
	}{
		{"a program", taken, nil},
		{"the service's own page, behind a proxy that changes Host", taken, []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://heroes.example"}},
		{"the service's own page, through a forwarded port", taken, forwarded("Sec-Fetch-Site", "same-origin", "Origin", public)},
		{"the service's own page, through a forwarder that sets Origin", taken, forwarded("Sec-Fetch-Site", "same-origin", "Origin", own)},
		{"another forwarded port", refused, forwarded("Sec-Fetch-Site", "same-site", "Origin", "https://name-3000.forwarded.example")},
		{"another site, through a forwarded port", refused, forwarded("Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example")},
		{"another site that claims to be forwarded", refused, []string{"Origin", "https://elsewhere.example", "X-Forwarded-Host", "elsewhere.example"}},
		{"the address bar", taken, []string{"Sec-Fetch-Site", "none", "Sec-Fetch-User", "?1"}},
		{"the service's own page over plain HTTP", taken, []string{"Origin", own}},
		{"another site", refused, []string{"Sec-Fetch-Site", "cross-site"}},
		{"another site that claims to be this site", refused, []string{"Sec-Fetch-Site", "cross-site", "Origin", own}},
		{"the same site but another origin", refused, []string{"Sec-Fetch-Site", "same-site", "Origin", "http://localhost:1"}},
		{"another port over plain HTTP", refused, []string{"Origin", "http://127.0.0.1:1"}},
		{"a sandboxed frame", refused, []string{"Origin", "null"}},
		{"a trusted page", taken, []string{"Sec-Fetch-Site", "cross-site", "Origin", trusted}},
		{"a trusted page over plain HTTP", taken, []string{"Origin", trusted}},
		{"a trusted host with another scheme", refused, []string{"Origin", "http://front.example"}},
		{"a trusted page that sends no Origin", refused, []string{"Sec-Fetch-Site", "cross-site", "Referer", trusted + "/"}},
		{"a click", byGETOnly, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-User", "?1", "Sec-Fetch-Dest", "document"}},
		{"a click without a destination", byGETOnly, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-User", "?1"}},
		{"a navigation without a click", refused, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document"}},
		{"a click that opens a frame", refused, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-User", "?1", "Sec-Fetch-Dest", "iframe"}},
	} {
		for _, target := range []string{
			"GET /execute", "HEAD /execute", "GET /%65xecute", "POST /store", "PUT /store", "PATCH /store", "DELETE /store",
		} {
			method, path, _ := strings.Cut(target, " ")
			want, status := 0, http.StatusForbidden
			if c.what == taken || c.what == byGETOnly && strings.HasSuffix(path, "xecute") {
				want, status = 1, http.StatusOK
			}
			stored = 0
			got := ask(t, server, method, path, "", c.header...)
			if got.status != status || stored != want {
				t.Errorf("%s: %s: got status %d and %d stored, want %s", c.name, target, got.status, stored, c.what)
			}
			if status != http.StatusOK && method != http.MethodHead &&
				!strings.Contains(got.problem(t, status).Detail, "--trusted-origin (TRUSTED_ORIGINS)") {
				t.Errorf("%s: %s: got %s", c.name, target, got.body)
			}
		}
		if got := ask(t, server, http.MethodGet, "/read", "", c.header...); got.status != http.StatusOK {
			t.Errorf("%s: a read got status %d, want 200", c.name, got.status)
		}
	}
}

// BenchmarkSites measures the cost of checking a request's origin on routes that store something.
func BenchmarkSites(b *testing.B) {
	for name, header := range map[string]http.Header{
		"a program": {"Accept": {"*/*"}, "User-Agent": {"k6"}}, "own page": {"Sec-Fetch-Site": {"same-origin"}, "Accept": {"*/*"}},
		"a click": {"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-User": {"?1"}, "Sec-Fetch-Dest": {"document"}},
	} {
		b.Run(name, func(b *testing.B) {
			s := newSites(nil)
			request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/fights/execute_fight", http.NoBody)
			request.Header = header
			b.ReportAllocs()
			for b.Loop() {
				if s.check(request) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
