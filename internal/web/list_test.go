package web_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"superheroes/internal/catalog/catalogtest"
	"superheroes/internal/character"
)

// breakingTable is a table whose store fails to read rows beyond the given id.
type breakingTable struct {
	*catalogtest.Table
	after int64
}

func (s *breakingTable) Page(ctx context.Context, after int64, limit int) ([]character.Character, error) {
	if after >= s.after {
		return nil, errors.New("the store is away")
	}
	return s.Table.Page(ctx, after, limit)
}

// If the store fails in the middle of a list or search, the response doesn't look complete, whether compressed or not.
func TestListWhenStoreFails(t *testing.T) {
	table := catalogtest.NewTable(3000)
	base := serveHeroes(t, &breakingTable{table, table.Rows[1500].ID})
	for _, coding := range []string{"gzip", "identity"} {
		for _, query := range []string{"", "?name=hero", "?limit=1000"} {
			t.Run(coding+query, func(t *testing.T) {
				text, err := read(t, base+"/api/heroes"+query, coding)
				if whole := query == "?limit=1000"; whole != (err == nil) || whole != strings.HasSuffix(text, "]") {
					t.Errorf("the list ends with %q and error %v", text[max(0, len(text)-20):], err)
				}
				if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || strings.Count(text, `"name":`) < 1000 {
					t.Errorf("got a list of %d bytes and error %v", len(text), err)
				}
			})
		}
	}
}

// read returns the part of a list that a client receives, and the error at the end of the list.
func read(t *testing.T, url, coding string) (string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", coding)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body := io.Reader(response.Body)
	if coding == "gzip" {
		if body, err = gzip.NewReader(response.Body); err != nil {
			t.Fatal(err)
		}
	}
	text, err := io.ReadAll(body)
	return string(text), err
}
