package postgres_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"superheroes/internal/storage"
	"superheroes/test/engines"
)

// TestPgBouncer runs the tests of a store through a pooler in transaction mode, but for those of what is above it.
func TestPgBouncer(t *testing.T) {
	pooler, err := url.Parse(engines.PgBouncer(t, engines.Postgres(t)).URL)
	if err != nil {
		t.Fatal("the URL can't be read")
	}
	heroesAt(func(tb testing.TB) string {
		tb.Helper()
		at, err := url.Parse(engines.Postgres(tb))
		if err != nil {
			tb.Fatal("the URL can't be read")
		}
		at.Host, at.RawQuery = pooler.Host, pooler.RawQuery
		return at.String()
	}).Run(t, "picker", "names", "text")
}

// TestPgBouncerKeepsItsSessions: what a store sets for its own sessions isn't set for those of a pooler, which others use too.
func TestPgBouncerKeepsItsSessions(t *testing.T) {
	at := engines.PgBouncer(t, engines.Postgres(t)).URL
	s, err := openFor(t.Context(), at, time.Second, rows)
	if err != nil {
		t.Fatal(err)
	}
	busy(t, 8, func() { wants{}.check(t, s) })
	_ = s.Close()
	busy(t, 8, func() {
		var timeout string
		if err := other(t, at).QueryRowContext(t.Context(), "SHOW lock_timeout").Scan(&timeout); err != nil || timeout != "0" {
			t.Errorf("another client has a lock_timeout of %q: %v", timeout, err)
		}
	})
}

// TestPgBouncerWithoutItsParameter: no start succeeds by chance, be it the first or a later one, and each names the
// parameter. Only what is prepared stands in the way.
func TestPgBouncerWithoutItsParameter(t *testing.T) {
	at := engines.PgBouncer(t, engines.Postgres(t)).URL
	bare, _, _ := strings.Cut(at, "?")
	for range 5 {
		s, err := open(t.Context(), bare, rows)
		if err == nil {
			_ = s.Close()
			t.Fatal("it opened")
		}
		if !errors.Is(err, storage.ErrSchema) || !strings.Contains(err.Error(), "default_query_exec_mode=cache_describe") {
			t.Errorf("got %v, want the parameter", err)
		}
	}
	for _, mode := range []string{"cache_describe", "exec", "simple_protocol"} {
		s, err := open(t.Context(), bare+"?default_query_exec_mode="+mode, rows)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		busy(t, 8, func() { wants{}.check(t, s) })
		_ = s.Close()
	}
	if _, err := open(t.Context(), at+"&lock_timeout=1", rows); !errors.Is(err, storage.ErrSchema) || !strings.Contains(err.Error(), "lock_timeout") {
		t.Errorf("a parameter that the pooler refuses: got %v", err)
	}
}
