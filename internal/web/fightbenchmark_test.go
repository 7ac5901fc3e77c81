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

// nowhere is a store that keeps nothing, so that what is measured is our own work before it.
type nowhere struct{ fight.Store }

func (nowhere) Last(context.Context) (fight.ID, error)            { return fight.ID{}, nil }
func (nowhere) Insert(context.Context, fight.Fight, []byte) error { return nil }

// shelf is a catalog's store in memory, with one item.
type shelf[T catalog.Item] struct {
	catalog.Store[T]
	item T
}

func (s shelf[T]) Get(context.Context, int64) (T, error) { return s.item, nil }

func (s shelf[T]) IDs(context.Context, catalog.Version) ([]int64, catalog.Version, error) {
	return []int64{s.item.Key()}, "1", nil
}

// catalogOf is a catalog's service in memory, as eco has it.
func catalogOf[T catalog.Item](tb testing.TB, kind catalog.Kind[T]) *catalog.Service[T] {
	tb.Helper()
	service := catalog.NewService(kind, shelf[T]{item: kind.Example}, 1<<20)
	tb.Cleanup(service.Close)
	return service
}

// newFightsAPI is the service of fights as `up` puts it together, with catalogs in memory and a store that keeps nothing.
func newFightsAPI(tb testing.TB) *httpserver.API {
	tb.Helper()
	sources := fight.Sources{
		Heroes: catalogOf(tb, character.Heroes()), Villains: catalogOf(tb, character.Villains()), Locations: catalogOf(tb, location.Locations()),
		InTurn: true,
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

// answerless is a response that is thrown away and used again. net/http makes a new one for each request, as it makes the
// request: these are not our allocations.
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

// BenchmarkExecuteFight measures a whole fight, but for net/http's own work and the store's: what our code allocates.
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

// BenchmarkPostFight measures a fight between those whom a client posts, its body read and checked.
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

// BenchmarkDecodePost measures the reading of a posted fight alone.
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
