package httpserver

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// discarded is where an answer goes when nobody reads it.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d discarded) WriteHeader(int)             {}

// What a request costs besides net/http and the route's own work.
func BenchmarkRequest(b *testing.B) {
	body := make([]byte, 300)
	var routes []Route
	for _, path := range []string{"/api/heroes", "/api/heroes/{id}", "/api/heroes/random_hero"} {
		routes = append(routes, route(http.MethodGet, path, func(w http.ResponseWriter, _ *http.Request) error {
			NoStore(w)
			return WriteJSON(w, body)
		}))
	}
	api, _ := newAPI(settings(), routes...)
	request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/heroes/random_hero", http.NoBody)
	answer := discarded{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(answer.header)
		api.ServeHTTP(answer, request)
	}
}
