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
	"superheroes/internal/httpserver"
	"superheroes/internal/remote"
	"superheroes/internal/web"
)

// testBatches picks over HTTP the way fights in other processes do: from several processes at once, each with many
// callers, with gaps in the ids, and again a second after another client deleted every third row.
func (e Engine[T]) testBatches(t *testing.T) {
	for _, c := range []struct {
		name    string
		limit   int64 // of the snapshot
		batches bool
		picks   int
	}{
		{"batches of a snapshot", 64 << 20, true, 100_000},
		{"batches of a table above the limit", 0, true, 20_000},
		{"single picks", 0, false, 10_000},
	} {
		t.Run("over HTTP each item is equally likely in "+c.name, func(t *testing.T) {
			t.Parallel()
			f := e.gaps(t)
			url, requests := f.serve(c.limit)
			pick := f.processes(url, c.batches)
			if p := f.uniformity(c.picks, pick); p < leastP {
				t.Errorf("with gaps: p = %g", p)
			}
			f.exec(f.db.SQL, "DELETE FROM "+e.Kind.Table.Name+" WHERE id % 3 = 0")
			time.Sleep(freshness)
			if p := f.uniformity(c.picks/2, pick); p < leastP {
				t.Errorf("after deletions: p = %g", p)
			}
			if n := requests.Load(); (n < int64(c.picks/10)) != c.batches {
				t.Errorf("%d requests for %d picks", n, c.picks*3/2)
			}
		})
	}
}

// serve serves the catalog with a snapshot of up to limit bytes, and counts the requests.
func (f *fixture[T]) serve(limit int64) (url string, requests *atomic.Int64) {
	f.Helper()
	service := catalog.NewService(f.engine.Kind, f.store, limit)
	api := httpserver.NewAPI(huma.Info{Title: "test", Version: "1"}, slog.New(slog.DiscardHandler), httpserver.Config{Deadline: time.Minute})
	web.AddCatalog(service, api, nil)
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		api.ServeHTTP(w, r)
	}))
	f.Cleanup(func() {
		server.Close()
		service.Close()
	})
	return server.URL, requests
}

// processes returns a function that picks through one of several clients at random, like several processes.
func (f *fixture[T]) processes(url string, batches bool) func(context.Context) (T, error) {
	picks := make([]func(context.Context) (T, error), 3)
	for i := range picks {
		client := remote.New(f.engine.Kind, url, remote.Config{Connect: time.Minute, Write: time.Minute, Read: time.Minute, MaxConnections: 100, IdleConnections: 20})
		f.Cleanup(func() { _ = client.Close() })
		picks[i] = client.Random
		if batches {
			picks[i] = remote.NewBatches(client, slog.New(slog.DiscardHandler)).Random
		}
	}
	return func(ctx context.Context) (T, error) { return picks[rand.N(len(picks))](ctx) }
}
