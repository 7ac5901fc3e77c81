package arena

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/fakepeer"
)

// documenting returns a service with the given OpenAPI document.
func documenting(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/openapi.json" || r.Header.Get("Accept-Encoding") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(document))
	}
}

// The documentation of each service that is running is served at the arena's own address. It doesn't describe what the
// gateway doesn't forward.
func TestDocs(t *testing.T) {
	const document = `{"openapi":"3.1.0","paths":{"/healthz":{},"/api/NAME/{id}":{"get":{}},"/api/NAMES":{},"/api/NAME":{}},"info":{"title":"É"}}`
	const want = `{"info":{"title":"É"},"openapi":"3.1.0","paths":{"/api/NAME":{},"/api/NAME/{id}":{"get":{}}}}`
	for way, parts := range ways(t, func(name string) http.HandlerFunc { return documenting(strings.ReplaceAll(document, "NAME", name)) }) {
		t.Run(way, func(t *testing.T) {
			cfg, _ := limits()
			delete(parts, "statistics")
			addr := serve(t, cfg, parts)
			list := get(t, addr, "/docs").body
			for _, name := range Parts() {
				runs := name != "statistics"
				if strings.Contains(list, `<a href="/docs/`+name+`">`) != runs {
					t.Errorf("%s runs: %t, but the page is %s", name, runs, list)
				}
				page, got := get(t, addr, "/docs/"+name), get(t, addr, "/docs/"+name+"/openapi.json", "Accept-Encoding: gzip")
				if !runs {
					if page.status != http.StatusNotFound || got.status != http.StatusNotFound {
						t.Errorf("%s: got %d and %d", name, page.status, got.status)
					}
					continue
				}
				if diff := cmp.Diff(strings.ReplaceAll(want, "NAME", name), got.body); diff != "" || got.status != http.StatusOK {
					t.Errorf("%s: got %d (-want +got):\n%s", name, got.status, diff)
				}
				if !strings.Contains(page.body, `"/docs/`+name+`/openapi.json"`) || !strings.Contains(page.header.Get("Content-Security-Policy"), "default-src 'none'") {
					t.Errorf("%s: got %v %s", name, page.header, page.body)
				}
				if script := get(t, addr, "/docs/"+name+"/swagger-ui-bundle.js"); script.status != http.StatusOK {
					t.Errorf("%s: the script returned %d", name, script.status)
				}
			}
			if got := ask(t, addr, "HEAD /docs/heroes/openapi.json HTTP/1.1\nHost: x\nConnection: close\n\n"); got.status != http.StatusOK || got.body != "" {
				t.Errorf("HEAD: got %+v", got)
			}
			if got := get(t, addr, "/docs/heroes/openapi.json", "Sec-Fetch-Site: cross-site"); got.status != http.StatusForbidden {
				t.Errorf("a page on another site got %+v", got)
			}
		})
	}
}

// If a service is away or has no such document, the response says so.
func TestDocsOfFailingService(t *testing.T) {
	for name, c := range map[string]struct {
		behaviour http.HandlerFunc
		detail    string
	}{
		"away":          {nil, "can't reach heroes"},
		"no document":   {fakepeer.Answers(http.StatusNotFound, "{}"), "heroes returned no OpenAPI document"},
		"not JSON":      {documenting("<html>"), "heroes returned no OpenAPI document"},
		"no paths":      {documenting(`{"paths":{"/healthz":{}}}`), "heroes returned no OpenAPI document"},
		"another shape": {documenting(`{"paths":[]}`), "heroes returned no OpenAPI document"},
		"endless":       {documenting(`{"paths":{"/api/heroes":{}},"x":"` + strings.Repeat("x", maxDocument) + `"}`), "heroes returned no OpenAPI document"},
	} {
		t.Run(name, func(t *testing.T) {
			peer := fakepeer.New(t, c.behaviour)
			if c.behaviour == nil {
				peer.Stop()
			}
			cfg, calls := limits()
			addr := serve(t, cfg, map[string]Part{"heroes": remotePart(t, "heroes", peer.URL, calls)})
			if got := get(t, addr, "/docs/heroes/openapi.json"); got.status != http.StatusBadGateway || !strings.Contains(got.body, c.detail) {
				t.Errorf("got %+v, want a 502 with %s", got, c.detail)
			}
		})
	}
}
