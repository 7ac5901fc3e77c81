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
	type checks = map[string]func(context.Context) error
	tests := []struct {
		name     string
		store    func(context.Context) error
		peers    checks
		draining bool
		ready    int
		healthz  string
	}{
		{"all is well", up, checks{"heroes": up}, false, http.StatusOK,
			`{"status":"ok","service":"fights","version":"v1","profile":"strict","store":{"engine":"mongodb","status":"ok"},"peers":{"heroes":{"status":"ok"}}}`},
		{"no peers", up, nil, false, http.StatusOK,
			`{"status":"ok","service":"fights","version":"v1","profile":"strict","store":{"engine":"mongodb","status":"ok"}}`},
		{"a peer is away", up, checks{"heroes": down, "villains": up}, false, http.StatusOK,
			`{"status":"ok","service":"fights","version":"v1","profile":"strict","store":{"engine":"mongodb","status":"ok"},"peers":{"heroes":{"status":"unavailable"},"villains":{"status":"ok"}}}`},
		{"the check of a peer panics", up, checks{"heroes": panics, "villains": up}, false, http.StatusOK,
			`{"status":"ok","service":"fights","version":"v1","profile":"strict","store":{"engine":"mongodb","status":"ok"},"peers":{"heroes":{"status":"unavailable"},"villains":{"status":"ok"}}}`},
		{"the store is away", down, nil, false, http.StatusServiceUnavailable,
			`{"status":"unavailable","service":"fights","version":"v1","profile":"strict","store":{"engine":"mongodb","status":"unavailable"}}`},
		{"draining", up, nil, true, http.StatusServiceUnavailable,
			`{"status":"draining","service":"fights","version":"v1","profile":"strict","store":{"engine":"mongodb","status":"ok"}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			api, log := newAPI(settings())
			api.AddHealth(Health{Service: "fights", Version: "v1", Profile: "strict", Engine: "mongodb",
				Store: test.store, Peers: test.peers, Draining: func() bool { return test.draining }})
			server := listen(t, settings())
			server.Serve(api)
			if got := ask(t, server, http.MethodGet, "/livez", ""); got.status != http.StatusOK {
				t.Errorf("/livez: got %d %s", got.status, got.body)
			}
			got := ask(t, server, http.MethodGet, "/readyz", "")
			if got.status != test.ready || strings.Contains(got.body, "kryptonite") {
				t.Errorf("/readyz: got %d %s, want %d", got.status, got.body, test.ready)
			}
			if got := ask(t, server, http.MethodGet, "/healthz", ""); got.status != test.ready || got.body != test.healthz {
				t.Errorf("/healthz: got %d %s, want %d %s", got.status, got.body, test.ready, test.healthz)
			}
			if test.draining {
				checkLog(t, log.lines(), "", "") // a planned stop is nothing to warn about
			}
		})
	}
}

func TestReadinessNamesWhatIsMissing(t *testing.T) {
	api, log := newAPI(settings())
	api.AddHealth(Health{Engine: "postgresql", Draining: func() bool { return false },
		Store: func(context.Context) error { return errors.New("connection refused") }})
	server := listen(t, settings())
	server.Serve(api)
	got := ask(t, server, http.MethodGet, "/readyz", "")
	if problem := got.problem(t, http.StatusServiceUnavailable); !strings.Contains(problem.Detail, "store: postgresql") {
		t.Errorf("detail %q", problem.Detail)
	}
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	checkLog(t, log.lines(), "WARN", got.header.Get(RequestIDHeader))
}

// A store that hangs doesn't make the health check hang.
func TestHealthOfAStoreThatHangs(t *testing.T) {
	cfg := settings()
	cfg.Deadline = 100 * time.Millisecond
	api, _ := newAPI(cfg)
	api.AddHealth(Health{Engine: "postgresql", Draining: func() bool { return false }, Store: func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}})
	server := listen(t, cfg)
	server.Serve(api)
	ask(t, server, http.MethodGet, "/readyz", "").problem(t, http.StatusServiceUnavailable)
	if got := ask(t, server, http.MethodGet, "/livez", ""); got.status != http.StatusOK {
		t.Errorf("/livez: got %d %s", got.status, got.body)
	}
}
