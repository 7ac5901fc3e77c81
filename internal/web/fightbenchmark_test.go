package web

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/location"
)

// nowhere is a store that discards fights, so that benchmarks measure only the work before a fight is stored.
type nowhere struct{ fight.Store }

func (nowhere) Last(context.Context) (fight.ID, error)            { return fight.ID{}, nil }
func (nowhere) Insert(context.Context, fight.Fight, []byte) error { return nil }

// shelf is an in-memory catalog store with one item.
type shelf[T catalog.Item] struct {
	catalog.Store[T]
	item T
}

func (s shelf[T]) Get(context.Context, int64) (T, error) { return s.item, nil }

func (s shelf[T]) IDs(context.Context, catalog.Version) ([]int64, catalog.Version, error) {
	return []int64{s.item.Key()}, "1", nil
}

// catalogOf returns an in-memory catalog service like those of the eco profile.
func catalogOf[T catalog.Item](tb testing.TB, kind catalog.Kind[T]) *catalog.Service[T] {
	tb.Helper()
	service := catalog.NewService(kind, shelf[T]{item: kind.Example}, 1<<20)
	tb.Cleanup(service.Close)
	return service
}

// newFightsAPI returns the API of the fights service as `up` builds it, with in-memory catalogs and a store that
// discards fights.
func newFightsAPI(tb testing.TB) *httpserver.API {
	tb.Helper()
	sources := fight.Sources{
		Heroes: catalogOf(tb, character.Heroes()), Villains: catalogOf(tb, character.Villains()), Locations: catalogOf(tb, location.Locations()),
	}
	service, err := fight.NewService(tb.Context(), sources, nowhere{})
	if err != nil {
		tb.Fatal(err)
	}
	api := httpserver.NewAPI(huma.Info{Title: "fights", Version: "0"}, slog.New(slog.DiscardHandler),
		httpserver.Config{Deadline: 5 * time.Second, WriteTimeout: 15 * time.Second})
	AddFights(service, api)
	return api
}

// answerless is a response writer that discards the response. It is reused, so that the benchmarks exclude the response
// writer that net/http allocates for each request.
type answerless struct {
	header http.Header
	status int
}

func (a *answerless) Header() http.Header         { return a.header }
func (a *answerless) WriteHeader(status int)      { a.status = status }
func (a *answerless) Write(p []byte) (int, error) { return len(p), nil }

func (a *answerless) reset() {
	clear(a.header)
	a.status = 0
}

// BenchmarkExecuteFight measures the time and allocations for a whole fight, excluding net/http and the store.
func BenchmarkExecuteFight(b *testing.B) {
	api := newFightsAPI(b)
	request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/fights/execute_fight", http.NoBody)
	answer := &answerless{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		answer.reset()
		api.ServeHTTP(answer, request)
		if answer.status > http.StatusOK {
			b.Fatalf("answered %d", answer.status)
		}
	}
}

// BenchmarkPostFight measures the time and allocations for a posted fight, including reading and checking the body.
func BenchmarkPostFight(b *testing.B) {
	api := newFightsAPI(b)
	yoda, thanos, gotham := character.Heroes().Example, character.Villains().Example, location.Locations().Example
	text := yoda.AppendJSON([]byte(`{"hero":`))
	text = thanos.AppendJSON(append(text, `,"villain":`...))
	text = append(gotham.AppendJSON(append(text, `,"location":`...)), '}')
	body := bytes.NewReader(text)
	request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/api/fights", http.NoBody)
	request.Header.Set("Content-Type", "application/json")
	answer := &answerless{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		answer.reset()
		body.Reset(text)
		request.Body, request.ContentLength = io.NopCloser(body), int64(len(text))
		api.ServeHTTP(answer, request)
		if answer.status > http.StatusOK {
			b.Fatalf("answered %d", answer.status)
		}
	}
}

// BenchmarkDecodePost measures only the decoding of a posted fight.
func BenchmarkDecodePost(b *testing.B) {
	yoda, thanos := character.Heroes().Example, character.Villains().Example
	text := append(thanos.AppendJSON(append(yoda.AppendJSON([]byte(`{"hero":`)), `,"villain":`...)), '}')
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var posted fightBody
		if err := httpserver.DecodeJSON(text, &posted); err != nil {
			b.Fatal(err)
		}
	}
}
