package catalog_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/httpserver"
)

// tableInMemory is a store whose rows cost nothing to read, so that what is measured is the picker's own.
type tableInMemory struct {
	catalog.Store[character.Character]
	rows []character.Character
}

// newTableInMemory returns a table of so many rows with the ids 1, 51, 101, …
func newTableInMemory(rows int) *tableInMemory {
	s := &tableInMemory{}
	for i := range rows {
		row := character.Heroes().Example
		row.ID, row.Name = int64(1+50*i), fmt.Sprintf("hero %d", i)
		s.rows = append(s.rows, row)
	}
	return s
}

func (s *tableInMemory) Get(_ context.Context, id int64) (character.Character, error) {
	return s.rows[id/50], nil
}

func (s *tableInMemory) GetMany(ctx context.Context, ids []int64) (found []character.Character, err error) {
	for _, id := range ids {
		row, _ := s.Get(ctx, id)
		found = append(found, row)
	}
	return found, nil
}

func (s *tableInMemory) Page(_ context.Context, after int64, limit int) ([]character.Character, error) {
	begin := 0
	if after > 0 {
		begin = int(after/50) + 1
	}
	return s.rows[begin:min(begin+limit, len(s.rows))], nil
}

func (s *tableInMemory) IDs(_ context.Context, known catalog.Version) ([]int64, catalog.Version, error) {
	const version = "1"
	if known == version {
		return nil, version, nil
	}
	ids := make([]int64, len(s.rows))
	for i, row := range s.rows {
		ids[i] = row.ID
	}
	return ids, version, nil
}

// BenchmarkPick measures what a pick costs beside the store: in eco it is all of it.
func BenchmarkPick(b *testing.B) {
	for name, limit := range map[string]int64{"eco": 64 << 20, "strict": 0} {
		picker := catalog.NewPicker(newTableInMemory(1000), limit)
		defer picker.Close()
		ctx, cancel := context.WithTimeout(b.Context(), time.Hour) // a request has a deadline
		defer cancel()
		for _, ready := picker.Ready(); limit > 0 && !ready; _, ready = picker.Ready() { // the rows are loaded behind picks
			if _, err := picker.Random(ctx); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/item", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := picker.Random(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := picker.RandomJSON(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAppendString measures a text that is copied as it is, and one that has to be looked at letter by letter.
func BenchmarkAppendString(b *testing.B) {
	for name, text := range map[string]string{"plain": "Telekinesis, Foresight", "other": "Télékinésie, \"Foresight\""} {
		b.Run(name, func(b *testing.B) {
			buffer := make([]byte, 0, 100)
			b.ReportAllocs()
			for b.Loop() {
				buffer = catalog.AppendString(buffer[:0], text)
			}
		})
	}
}

// BenchmarkWholeList measures a list of 3,458 heroes beside the store and the network.
func BenchmarkWholeList(b *testing.B) {
	api := httpserver.NewAPI(huma.Info{Title: "heroes", Version: "test"}, slog.New(slog.DiscardHandler), httpserver.Config{Deadline: time.Hour})
	catalog.AddCatalog(catalog.NewService(character.Heroes(), newTableInMemory(3458), 0), api, httpserver.NewAdmin(""))
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

// counted is an answer that nobody reads.
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
