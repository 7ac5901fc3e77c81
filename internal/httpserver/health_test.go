package httpserver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	up := func(context.Context) error { return nil }
	down := func(context.Context) error { return errors.New("superman:kryptonite@db refused") }
	panics := func(context.Context) error { panic("kryptonite") }
	hangs := func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	type checks = map[string]func(context.Context) error
	for _, test := range []struct {
		name     string
		store    func(context.Context) error
		peers    checks
		draining bool
		ready    int
		healthz  string // without the fields that are the same in all cases
	}{
		{"no peers", up, nil, false, http.StatusOK, `ok,"store":{"engine":"mongodb","status":"ok"}`},
		{"peers", up, checks{"heroes": down, "villains": up, "locations": panics}, false, http.StatusOK,
			`ok,"store":{"engine":"mongodb","status":"ok"},"peers":{"heroes":{"status":"unavailable"},` +
				`"locations":{"status":"unavailable"},"villains":{"status":"ok"}}`},
		{"the store is unavailable", down, nil, false, http.StatusServiceUnavailable,
			`unavailable,"store":{"engine":"mongodb","status":"unavailable"}`},
		{"the store hangs", hangs, nil, false, http.StatusServiceUnavailable,
			`unavailable,"store":{"engine":"mongodb","status":"unavailable"}`},
		{"draining", up, nil, true, http.StatusServiceUnavailable, `draining,"store":{"engine":"mongodb","status":"ok"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := settings()
			cfg.Deadline = 200 * time.Millisecond // short, for the case in which the store hangs
			server, log := serving(t, cfg)
			server.api.Load().AddHealth(Health{Service: "fights", Version: "v1", Profile: "strict", Engine: "mongodb",
				Store: test.store, Peers: test.peers, Draining: func() bool { return test.draining }})
			if got := ask(t, server, http.MethodGet, "/livez", ""); got.status != http.StatusOK {
				t.Errorf("/livez: got %d %s", got.status, got.body)
			}
			got := ask(t, server, http.MethodGet, "/healthz", "")
			state, rest, _ := strings.Cut(test.healthz, ",")
			want := `{"status":"` + state + `","service":"fights","version":"v1","profile":"strict",` + rest + "}"
			if got.status != test.ready || got.body != want {
				t.Errorf("/healthz: got %d %s, want %d %s", got.status, got.body, test.ready, want)
			}
			got = ask(t, server, http.MethodGet, "/readyz", "")
			if got.status != test.ready || strings.Contains(got.body, "kryptonite") {
				t.Errorf("/readyz: got %d %s, want %d", got.status, got.body, test.ready)
			}
			if test.ready == http.StatusOK || test.draining {
				log.check(t, "", "") // a planned shutdown logs no warning
				return
			}
			problem := got.problem(t, http.StatusServiceUnavailable)
			if !strings.Contains(problem.Detail, "store: mongodb") || got.header.Get("Retry-After") == "" {
				t.Errorf("/readyz: detail %q, header %v", problem.Detail, got.header)
			}
			log.check(t, "WARN", got.header.Get(RequestIDHeader))
		})
	}
}
