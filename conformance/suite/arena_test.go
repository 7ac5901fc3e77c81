package suite

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"superheroes/test/system"
)

// arenaOf starts a faulty proxy in front of a good member's arena and returns the address of the proxy.
func arenaOf(t *testing.T, good *system.System, f fault) string {
	t.Helper()
	return spoil(t, &system.System{Heroes: good.Arena}, f).Heroes
}

// counting returns the addresses of a good member, including that of its statistics service.
func counting(good *system.System) Target {
	target := targetOf(good)
	target.Statistics = good.Statistics
	return target
}

// soon is how long the tests wait for an update that a faulty member never sends.
const soon = 2 * time.Second

// catchesArena checks that the given clause fails for the faulty arena at the given address.
func catchesArena(t *testing.T, good *system.System, arena, clause string) {
	t.Helper()
	catches(t, counting(good), clause, Options{Group: Arena, Arena: arena, Soon: soon, Timeout: 2 * soon})
}

func onlyArena(c Clause) bool { return c.Service == arena }

// TestArena checks that every clause passes for the arena, whether the arena runs in the services' process or in a
// process of its own, and fails for a faulty arena.
func TestArena(t *testing.T) { //nolint:tparallel // subtests share a member, and count its fights
	t.Parallel()
	program := system.Build(t)
	good := system.Up(t, program, t.TempDir())
	t.Run("in process", func(t *testing.T) {
		outcomes := score(t, counting(good), Options{Group: Full, Arena: good.Arena, Only: onlyArena})
		allPass(t, outcomes)
		if len(outcomes) != len(ArenaClauses()) {
			t.Errorf("%d clauses", len(outcomes))
		}
	})
	t.Run("over HTTP", func(t *testing.T) {
		alone := *good
		alone.Processes = map[string]*system.Process{}
		alone.StartArena(t, program)
		allPass(t, score(t, counting(good), Options{Group: Arena, Arena: alone.Arena}))
	})
	t.Run("without statistics", func(t *testing.T) {
		outcomes := score(t, targetOf(good), Options{Group: Arena, Arena: good.Arena})
		allPass(t, outcomes)
		if len(outcomes) != len(ArenaClauses())-2 {
			t.Errorf("%d clauses", len(outcomes))
		}
	})
	for _, wrong := range []struct{ clause, path, from, to string }{
		{"arena.livez", "/livez", "", ""},
		{"arena.readyz", "/readyz", "", ""},
		{"arena.healthz", "/healthz", `"villains"`, `"others"`},
		{"arena.healthz", "/healthz", `"version"`, `"v"`},
		{"arena.page", "/status", `href="/assets`, `href="http://elsewhere/assets`},
		{"arena.page", "/", "<script", "<template"},
		{"arena.policy", "/", "Content-Security-Policy: script-src 'self'", "script-src 'self' 'unsafe-inline'"},
		{"arena.policy", "/", "Content-Security-Policy: img-src 'self'", "img-src 'self' images.example"},
		{"arena.gateway", "/api/heroes", "Yoda", "Soda"},
		{"arena.gateway", "/api/locations/1/picture.svg", "", ""},
		{"arena.gateway.statistics", "/api/statistics", `"total"`, `"sum"`},
		{"arena.gateway.statistics", "/api/statistics", "", ""},
		{"arena.gateway.only", "/api/nobody", "404", "200"},
	} {
		t.Run(wrong.clause+" of "+wrong.path, func(t *testing.T) {
			f := fault{after: func(e *exchange) {
				header, from, inHeader := strings.Cut(wrong.from, ": ")
				switch {
				case e.path() != wrong.path:
				case wrong.from == "":
					e.status = http.StatusInternalServerError
				case wrong.from == "404":
					e.status = http.StatusOK
				case inHeader:
					e.response.Set(header, strings.ReplaceAll(e.response.Get(header), from, wrong.to))
				default:
					e.body = strings.ReplaceAll(e.body, wrong.from, wrong.to)
				}
			}}
			catchesArena(t, good, arenaOf(t, good, f), wrong.clause)
		})
	}
	for _, wrong := range wrongOf(arena, wrongProtocol("GET /")) {
		t.Run(wrong.clause+": "+wrong.name, func(t *testing.T) {
			catchesArena(t, good, arenaOf(t, good, wrong.fault), wrong.clause)
		})
	}
	for name, wrong := range map[string]streaming{
		"no stream":        {kind: "application/json", dead: true},
		"no updates":       {kind: "text/event-stream", dead: true},
		"no initial state": {kind: "text/event-stream", silent: true},
	} {
		t.Run("arena.gateway.stream: "+name, func(t *testing.T) {
			catchesArena(t, good, wrong.start(t, good.Arena), "arena.gateway.stream")
		})
	}
	t.Run("a stream implemented by polling passes", func(t *testing.T) {
		arena := streaming{kind: "text/event-stream"}.start(t, good.Arena)
		allPass(t, score(t, counting(good), Options{Group: Arena, Arena: arena, Only: func(c Clause) bool { return c.ID == "arena.gateway.stream" }}))
	})
	t.Run("without the arena's address", func(t *testing.T) {
		if _, err := Run(t.Context(), targetOf(good), Options{Group: Arena}); err == nil {
			t.Error("Run accepted the arena group without the arena's address")
		}
	})
}
