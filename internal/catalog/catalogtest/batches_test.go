package catalogtest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/httpserver"
	"superheroes/internal/remote"
	"superheroes/internal/web"
)

// TestUniformOverHTTP picks items over HTTP, as the fights service does in another process: through several clients at
// once, each with many callers. All items must be equally likely to be picked.
func TestUniformOverHTTP(t *testing.T) {
	for _, c := range []struct {
		name    string
		limit   int64 // of the snapshot
		batches bool
		picks   int
	}{
		{"batches from a snapshot", 64 << 20, true, 50_000},
		{"batches from a table that exceeds the limit", 0, true, 20_000},
		{"single picks", 0, false, 5_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fixture[character.Character]{TB: t, store: NewTable(40)}
			service := catalog.NewService(character.Heroes(), f.store, c.limit)
			t.Cleanup(service.Close)
			var requests atomic.Int64
			pick := f.processes(serve(t, service, &requests), c.batches)
			if p := f.uniformity(c.picks, pick); p < leastP {
				t.Errorf("p = %g", p)
			}
			if n := requests.Load(); (n < int64(c.picks/10)) != c.batches {
				t.Errorf("%d requests were sent for %d picks", n, c.picks)
			}
		})
	}
}

// serve serves the catalog and counts the requests.
func serve(t *testing.T, service *catalog.Service[character.Character], requests *atomic.Int64) (url string) {
	t.Helper()
	api := httpserver.NewAPI(huma.Info{Title: "test", Version: "1"}, slog.New(slog.DiscardHandler), httpserver.Config{Deadline: time.Minute})
	web.AddCatalog(service, api, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// processes returns a function that picks through one of several clients, chosen at random, to simulate several
// processes.
func (f *fixture[T]) processes(url string, batches bool) func(context.Context) (character.Character, error) {
	picks := make([]func(context.Context) (character.Character, error), 3)
	for i := range picks {
		client := remote.New(character.Heroes(), url, remote.Config{
			Connect: time.Minute, Write: time.Minute, Read: time.Minute, MaxConnections: 100, IdleConnections: 20})
		f.Cleanup(func() { _ = client.Close() })
		picks[i] = client.Random
		if batches {
			picks[i] = remote.NewBatches(client, slog.New(slog.DiscardHandler)).Random
		}
	}
	return func(ctx context.Context) (character.Character, error) { return picks[rand.N(len(picks))](ctx) }
}
