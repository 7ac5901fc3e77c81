package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/catalog"
	"superheroes/internal/catalog/catalogtest"
	"superheroes/internal/character"
	"superheroes/internal/httpserver"
	"superheroes/internal/storage"
	"superheroes/internal/web"
)

const adminToken = "secret"

// serveHeroes starts a server for a heroes catalog with the given store.
func serveHeroes(t *testing.T, store catalog.Store[character.Character]) (base string) {
	t.Helper()
	service := catalog.NewService(character.Heroes(), store, 0)
	t.Cleanup(service.Close)
	api := httpserver.NewAPI(huma.Info{Title: "heroes", Version: "test"}, slog.New(slog.DiscardHandler), httpserver.Config{Deadline: time.Minute, WriteTimeout: time.Minute})
	web.AddCatalog(service, api, httpserver.NewAdmin(adminToken))
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server.URL
}

// ask sends a request as the administrator and returns the response and its body.
func ask(t *testing.T, method, url, contentType, sent string, header ...string) (answer *http.Response, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+adminToken)
	request.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err = http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// An empty catalog returns an empty list and no picks, and a 404 for a random hero.
func TestEmptyCatalog(t *testing.T) {
	base := serveHeroes(t, catalogtest.NewTable(0)) + "/api/heroes"
	for target, want := range map[string]struct {
		status int
		body   string // prefix of the response body
		age    string
	}{
		"":               {http.StatusOK, "[]", ""},
		"?name=a":        {http.StatusOK, "[]", ""},
		"/random":        {http.StatusNotFound, "{", ""},
		"/random_hero":   {http.StatusNotFound, "{", ""},
		"/picks":         {http.StatusOK, "[]", "0"},
		"/picks?count=3": {http.StatusOK, "[]", "0"},
		"/count":         {http.StatusOK, `{"count":0}`, ""},
		"/count?after=a": {http.StatusUnprocessableEntity, "{", ""},
	} {
		t.Run(target, func(t *testing.T) {
			got, body := ask(t, http.MethodGet, base+target, "", "")
			if got.StatusCode != want.status || !strings.HasPrefix(body, want.body) || got.Header.Get(httpserver.AgeHeader) != want.age {
				t.Errorf("got %d %s with age %q, want %d %s", got.StatusCode, body, got.Header.Get(httpserver.AgeHeader), want.status, want.body)
			}
		})
	}
}

// writing is a store that returns err for each change, or, if err is nil, accepts the change without storing it.
type writing struct {
	*catalogtest.Table
	err error
}

func (s writing) Write(_ context.Context, id int64, change func(*character.Character) (*character.Character, error)) (*character.Character, error) {
	if s.err != nil {
		return nil, s.err
	}
	return change(&character.Character{ID: id})
}

// TestEditProblems checks that each store error turns into the right problem response to a change.
func TestEditProblems(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		detail string
	}{
		{"no such entry", catalog.ErrNotFound, http.StatusNotFound, "there is no hero with this id"},
		{"the name is taken", catalog.ErrTaken, http.StatusConflict, "body.name: is the name of another hero"},
		{"no id is left", catalog.ErrNoID, http.StatusConflict, "no id is left above the highest one"},
		{"the entry doesn't fit the table", catalog.ErrRefused, http.StatusUnprocessableEntity, "body: does not fit the store's table"},
		{"not confirmed", catalog.ErrMaybeWritten, http.StatusServiceUnavailable, "which may have been written all the same"},
		{"store unavailable", storage.As(storage.ErrUnavailable, errors.New("refused")), http.StatusServiceUnavailable, "nothing was written"},
		{"unexpected schema", storage.Errorf(storage.ErrSchema, "no column level"), http.StatusInternalServerError, "nothing was written"},
	} {
		base := serveHeroes(t, writing{catalogtest.NewTable(1), c.err}) + "/api/heroes"
		for method, target := range map[string]string{http.MethodPost: base, http.MethodPut: base + "/1", http.MethodPatch: base + "/1", http.MethodDelete: base + "/1"} {
			t.Run(c.name+" "+method, func(t *testing.T) {
				got, body := ask(t, method, target, "application/json", `{"name":"a"}`)
				if got.StatusCode != c.status || !strings.Contains(body, c.detail) {
					t.Errorf("got %d %s, want %d with %q", got.StatusCode, body, c.status, c.detail)
				}
			})
		}
	}
}

// The response to a change must not be cached.
func TestEditsAreNotCached(t *testing.T) {
	base := serveHeroes(t, writing{Table: catalogtest.NewTable(1)}) + "/api/heroes/1"
	for _, method := range []string{http.MethodPut, http.MethodPatch} {
		got, body := ask(t, method, base, "application/json", `{"name":"a"}`)
		if got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %s with Cache-Control %q", method, got.StatusCode, body, got.Header.Get("Cache-Control"))
		}
	}
}

// JSON formats other than merge patch, such as JSON Patch, have different semantics, so they are refused.
func TestPatchTypes(t *testing.T) {
	base := serveHeroes(t, writing{Table: catalogtest.NewTable(1)}) + "/api/heroes/1"
	for contentType, status := range map[string]int{
		"":                                http.StatusOK,
		"application/json; charset=utf-8": http.StatusOK,
		"application/merge-patch+json":    http.StatusOK,
		"application/json-patch+json":     http.StatusUnsupportedMediaType,
		"application/hal+json":            http.StatusUnsupportedMediaType,
	} {
		got, body := ask(t, http.MethodPatch, base, contentType, `{"name":"a"}`)
		if refused := status != http.StatusOK; got.StatusCode != status || (got.Header.Get("Accept-Patch") != "") != refused {
			t.Errorf("%q: got %d %s with Accept-Patch %q", contentType, got.StatusCode, body, got.Header.Get("Accept-Patch"))
		}
	}
}

// unreadable is a store with a single row, which can't be read.
type unreadable struct{ *catalogtest.Table }

func (unreadable) Write(_ context.Context, _ int64, change func(*character.Character) (*character.Character, error)) (*character.Character, error) {
	item, err := change(nil)
	if errors.Is(err, catalog.ErrUnreadable) {
		err = &storage.RowError{What: "hero", ID: "1", Err: err}
	}
	return item, err
}

// An unreadable row can be replaced and deleted, but not patched, because a patch needs the row's values. The only
// If-Match value that matches such a row is *.
func TestEditUnreadableRow(t *testing.T) {
	base := serveHeroes(t, unreadable{catalogtest.NewTable(1)}) + "/api/heroes/1"
	for _, c := range []struct {
		method, condition string
		status            int
	}{
		{http.MethodPatch, "*", http.StatusInternalServerError},
		{http.MethodPut, `"seen"`, http.StatusPreconditionFailed},
		{http.MethodPut, "*", http.StatusOK},
		{http.MethodDelete, "*", http.StatusNoContent},
	} {
		got, body := ask(t, c.method, base, "application/json", `{"name":"a"}`, "If-Match", c.condition)
		if got.StatusCode != c.status {
			t.Errorf("%s with If-Match %s: got %d %s, want %d", c.method, c.condition, got.StatusCode, body, c.status)
		}
	}
}
