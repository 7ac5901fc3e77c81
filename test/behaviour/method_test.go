package behaviour

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"superheroes/test/system"
)

// testMethods holds methods other than those of the endpoints against the contract.
func testMethods(t *testing.T, s *system.System) {
	for _, c := range []struct{ service, path string }{
		{"heroes", "/api/heroes"},
		{"heroes", "/api/heroes/1"},
		{"heroes", "/api/heroes/random_hero"},
		{"heroes", "/api/heroes/random"},
		{"heroes", "/api/heroes/picks"},
		{"heroes", "/api/heroes/1/picture.svg"},
		{"villains", "/api/villains/random_villain"},
		{"locations", "/api/locations/random_location"},
		{"locations", "/livez"},
		{"locations", "/readyz"},
		{"locations", "/healthz"},
		{"heroes", "/docs"},
		{"heroes", "/redoc"},
		{"heroes", "/openapi.json"},
		{"fights", "/api/fights"},
		{"fights", "/api/fights/count"},
		{"fights", "/api/fights/randomfighters"},
		{"fights", "/api/fights/randomlocation"},
	} {
		base := s.URL(c.service)
		t.Run("HEAD "+c.path, func(t *testing.T) {
			received := do(t, base, call{method: http.MethodHead, target: c.path})
			if received.status != http.StatusOK || received.body != "" {
				t.Errorf("got %d %q", received.status, received.body)
			}
		})
		for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if c.path == "/api/heroes/1" && slices.Contains([]string{"PUT", "PATCH", "DELETE"}, method) {
				continue // they are taken there
			}
			t.Run(method+" "+c.path, func(t *testing.T) {
				received := do(t, base, call{method: method, target: c.path})
				checkProblem(t, received, http.StatusMethodNotAllowed, "")
				if allow := received.header.Get("Allow"); !strings.Contains(allow, "GET") || strings.Contains(allow, method) {
					t.Errorf("Allow is %q", allow)
				}
			})
		}
	}
	t.Run("HEAD execute_fight stores nothing", func(t *testing.T) {
		before := count(t, s)
		received := do(t, s.Fights, call{method: http.MethodHead, target: "/api/fights/execute_fight"})
		if received.status != http.StatusMethodNotAllowed || received.header.Get("Allow") != http.MethodGet {
			t.Errorf("got %d, Allow %q", received.status, received.header.Get("Allow"))
		}
		if after := count(t, s); after != before {
			t.Errorf("there were %d fights, there are %d", before, after)
		}
	})
	for path, want := range map[string]string{
		"/api/heroes": "GET, HEAD, POST", "/api/heroes/1": "DELETE, GET, HEAD, PATCH, PUT",
		"/api/heroes/random": "GET, HEAD", "/api/heroes/random_hero": "GET, HEAD", "/api/heroes/picks": "GET, HEAD", "/api/heroes/1/picture.svg": "GET, HEAD",
	} {
		t.Run("what is allowed at "+path, func(t *testing.T) {
			received := do(t, s.Heroes, call{method: "OPTIONS", target: path})
			if allow := received.header.Get("Allow"); allow != want {
				t.Errorf("Allow is %q, want %q", allow, want)
			}
		})
	}
}

// count asks how many fights are stored.
func count(t *testing.T, s *system.System) int {
	t.Helper()
	type counted struct {
		Count int `json:"count"`
	}
	return read[counted](t, get(t, s.Fights, "/api/fights/count").body).Count
}
