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

// TestPgBouncer runs the store's tests, but not the tests of the layers above the store, through a pooler in
// transaction mode.
func TestPgBouncer(t *testing.T) {
	pooler, err := url.Parse(engines.PgBouncer(t, engines.Postgres(t)).URL)
	if err != nil {
		t.Fatal("invalid URL")
	}
	heroesAt(func(tb testing.TB) string {
		tb.Helper()
		at, err := url.Parse(engines.Postgres(tb))
		if err != nil {
			tb.Fatal("invalid URL")
		}
		at.Host, at.RawQuery = pooler.Host, pooler.RawQuery
		return at.String()
	}).Run(t, "picker", "text")
}

// TestPgBouncerSessionsAreUnchanged checks that the store doesn't change settings of a pooler's sessions, which other
// clients use too.
func TestPgBouncerSessionsAreUnchanged(t *testing.T) {
	at := engines.PgBouncer(t, engines.Postgres(t)).URL
	s, err := openFor(t.Context(), at, time.Second, rows)
	if err != nil {
		t.Fatal(err)
	}
	busy(8, func() { wants{}.check(t, s) })
	_ = s.Close()
	busy(8, func() {
		var timeout string
		if err := other(t, at).QueryRowContext(t.Context(), "SHOW lock_timeout").Scan(&timeout); err != nil || timeout != "0" {
			t.Errorf("another client of the pooler sees the lock_timeout %q: %v", timeout, err)
		}
	})
}

// TestPgBouncerWithoutItsParameter checks that startup without the required parameter always fails, instead of
// sometimes succeeding by chance, and that the error names the parameter. Query modes that don't use prepared
// statements don't need the parameter.
func TestPgBouncerWithoutItsParameter(t *testing.T) {
	at := engines.PgBouncer(t, engines.Postgres(t)).URL
	bare, _, _ := strings.Cut(at, "?")
	for range 5 {
		s, err := open(t.Context(), bare, rows)
		if err == nil {
			_ = s.Close()
			t.Fatal("opened")
		}
		if !errors.Is(err, storage.ErrSchema) || !strings.Contains(err.Error(), "default_query_exec_mode=cache_describe") {
			t.Errorf("opening without the parameter: got %v, want an error that names it", err)
		}
	}
	for _, mode := range []string{"cache_describe", "exec", "simple_protocol"} {
		s, err := open(t.Context(), bare+"?default_query_exec_mode="+mode, rows)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		busy(8, func() { wants{}.check(t, s) })
		_ = s.Close()
	}
	if _, err := open(t.Context(), at+"&lock_timeout=1", rows); !errors.Is(err, storage.ErrSchema) || !strings.Contains(err.Error(), "lock_timeout") {
		t.Errorf("opening with a parameter that the pooler refuses: got %v", err)
	}
}
