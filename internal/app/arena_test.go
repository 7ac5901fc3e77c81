package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/goleak"

	"superheroes/internal/app"
	"superheroes/internal/httpserver"
	"superheroes/internal/remote"
	"superheroes/test/await"
)

// TestArena checks that two arenas, one in the services' process and one in its own process, give the same responses as
// the services themselves.
func TestArena(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cfg := upConfig(t)
	cfg.AdminAddr, cfg.Arena, cfg.ArenaAddr = "127.0.0.1:0", true, "127.0.0.1:0"
	together := app.New("test", io.Discard)
	if err := together.Up(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	bases := basesOf(together)
	alone := app.New("test", io.Discard)
	if err := alone.Run(t.Context(), arenaConfig(bases)); err != nil {
		t.Fatal(err)
	}
	for way, base := range map[string]string{"in process": bases["arena"], "over HTTP": basesOf(alone)["arena"]} {
		t.Run(way, func(t *testing.T) { checkArena(t, base, bases) })
	}
	checkTraffic(t, bases, basesOf(alone)["arena"])
	if err := alone.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := together.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// checkTraffic checks that /healthz shows the traffic of services that are measured, also through an arena in another
// process that isn't, and that the status page's own requests aren't part of it.
func checkTraffic(t *testing.T, bases map[string]string, unmeasured string) {
	t.Helper()
	var fights *httpserver.Traffic
	await.True(t, "the traffic of fights is shown", func() bool {
		fetch(t, bases["fights"]+"/api/fights/execute_fight")
		time.Sleep(20 * time.Millisecond) // saves ports
		fights = traffic(t, unmeasured+"/status/fights")
		return fights != nil && fights.Requests > 0
	})
	if fights.Seconds < 5 || fights.Errors != 0 || fights.P99 == nil || *fights.P99 <= 0 {
		t.Errorf("the traffic of fights is %+v", *fights)
	}
	await.True(t, "only the arena's status page has been in use for a while", func() bool {
		time.Sleep(20 * time.Millisecond)
		traffic(t, bases["arena"]+"/status/fights")
		own := traffic(t, bases["arena"]+"/healthz")
		return own != nil && own.Requests == 0
	})
	if got := traffic(t, unmeasured+"/healthz"); got != nil {
		t.Errorf("the arena that isn't measured has the traffic %+v", *got)
	}
}

func traffic(t *testing.T, url string) *httpserver.Traffic {
	t.Helper()
	_, body := fetch(t, url)
	var status httpserver.Status
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Fatal(err)
	}
	return status.Traffic
}

// arenaConfig returns the configuration of an arena for services at the given addresses, as the command line would
// build it.
func arenaConfig(bases map[string]string) app.ArenaConfig {
	cfg := app.ArenaConfig{
		Addr: "127.0.0.1:0", HeroesURL: bases["heroes"], VillainsURL: bases["villains"], LocationsURL: bases["locations"],
		FightsURL: bases["fights"], StatisticsURL: bases["statistics"],
		Peers: remote.ProxyConfig{Connect: 2 * time.Second, Write: 2 * time.Second, Read: 5 * time.Second, MaxConnections: 10, IdleConnections: 2},
	}
	cfg.Deadline, cfg.ReadTimeout, cfg.WriteTimeout, cfg.ShutdownTimeout = 5*time.Second, 10*time.Second, 15*time.Second, 6*time.Second
	cfg.Profile = app.Eco
	return cfg
}

func checkArena(t *testing.T, base string, bases map[string]string) {
	t.Helper()
	for target, service := range map[string]string{
		"/api/heroes": "heroes", "/api/villains/2": "villains", "/api/locations?name=gotham": "locations", "/api/heroes/1/picture.svg": "heroes",
		"/api/heroes/none": "heroes", "/api/villains/count?after=51": "villains", "/api/fights/count": "fights", "/api/fights?limit=0": "fights",
	} {
		wantStatus, want := fetch(t, bases[service]+target)
		if status, got := fetch(t, base+target); status != wantStatus || got != want {
			t.Errorf("%s: got %d %.200s, want %d %.200s", target, status, got, wantStatus, want)
		}
	}
	contents := map[string]string{
		"/": "<title>Battle", "/api/fights/execute_fight": "winner_name", "/api/statistics": `"total":`,
		"/livez": `"status":"ok"`, "/readyz": `"status":"ok"`, "/healthz": `"service":"arena"`,
	}
	for _, part := range []string{"heroes", "villains", "locations", "fights", "statistics"} {
		contents["/status/"+part] = `"service":"` + part + `"`
	}
	for path, want := range contents {
		if status, body := fetch(t, base+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %s, want %s", path, status, body, want)
		}
	}
	if _, body := fetch(t, base+"/healthz"); !strings.Contains(body, `"version":"test"`) || !strings.Contains(body, `"profile":"eco"`) ||
		!strings.Contains(body, `"heroes":{"status":"ok"}`) || strings.Contains(body, "store") {
		t.Errorf("got %s", body)
	}
}
