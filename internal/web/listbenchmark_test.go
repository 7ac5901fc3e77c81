package web_test

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/catalog/catalogtest"
	"superheroes/internal/character"
	"superheroes/internal/httpserver"
	"superheroes/internal/web"
)

// BenchmarkWholeList measures the cost of a list of 3,458 heroes, excluding the store and the network.
func BenchmarkWholeList(b *testing.B) {
	api := httpserver.NewAPI(huma.Info{Title: "heroes", Version: "test"}, slog.New(slog.DiscardHandler), httpserver.Config{Deadline: time.Hour})
	web.AddCatalog(catalog.NewService(character.Heroes(), catalogtest.NewTable(3458), 0), api, httpserver.NewAdmin(""))
	for _, coding := range []string{"", "gzip"} {
		b.Run(cmp.Or(coding, "plain"), func(b *testing.B) {
			request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/heroes", http.NoBody)
			if coding != "" {
				request.Header.Set("Accept-Encoding", coding)
			}
			sent := &counted{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(sent.header)
				sent.bytes = 0
				api.ServeHTTP(sent, request)
			}
			b.ReportMetric(float64(sent.bytes), "bytes-sent")
		})
	}
}

// counted is a response writer that discards the response and counts its bytes.
type counted struct {
	header http.Header
	bytes  int
}

func (c *counted) Header() http.Header { return c.header }
func (c *counted) WriteHeader(int)     {}
func (c *counted) Flush()              {}
func (c *counted) Write(p []byte) (int, error) {
	c.bytes += len(p)
	return len(p), nil
}
