package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"superheroes/internal/app"
	"superheroes/internal/remote"
	"superheroes/internal/telemetry"
	"superheroes/test/await"
)

// TestMetrics checks that each metric in docs/metrics.md is served by all services in one process or by a fights
// service that runs alone, and that the public ports don't serve the admin listener's paths.
func TestMetrics(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) // accepts everything
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	cfg := upConfig(t)
	cfg.AdminAddr, cfg.Arena, cfg.ArenaAddr = "127.0.0.1:0", true, "127.0.0.1:0"
	together := app.New("test", io.Discard)
	if err := together.Up(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	bases := basesOf(together)
	alone := app.New("test", io.Discard)
	if err := alone.Run(t.Context(), fightsConfig(t, bases)); err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{bases["fights"], basesOf(alone)["fights"]} {
		if status, body := fetch(t, base+"/api/fights/execute_fight"); status != http.StatusOK {
			t.Errorf("got %d %s", status, body)
		}
	}
	var served string
	await.True(t, "the fight is counted", func() bool { // the first scrapes may show an older total
		_, served = fetch(t, bases["admin"]+"/metrics")
		return strings.Contains(served, `superheroes_fights_counted{service="statistics"} 1`)
	})
	_, more := fetch(t, basesOf(alone)["admin"]+"/metrics")
	for _, group := range telemetry.Groups() {
		for _, family := range group.Families {
			if !strings.Contains(served+more, "\n# TYPE "+family.PrometheusName()+" "+string(family.Type)+"\n") &&
				!strings.HasPrefix(served, "# HELP "+family.PrometheusName()) {
				t.Errorf("%s is not served", family.PrometheusName())
			}
		}
	}
	if strings.Contains(served, `service="admin"`) {
		t.Error("scrapes are measured")
	}
	for service, base := range bases {
		if service == "admin" {
			continue
		}
		for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
			if status, _ := fetch(t, base+path); status != http.StatusNotFound {
				t.Errorf("%s%s returns %d", service, path, status)
			}
		}
	}
	checkProfiles(t, bases["admin"])
	for _, a := range []*app.App{alone, together} {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// checkProfiles checks that profiles are served, but not the command line, which may contain secrets. Requests with a
// foreign host name must be rejected, since an attacker's page could have pointed that name at the loopback address,
// and so must requests for profiles from pages on other sites.
func checkProfiles(t *testing.T, base string) {
	t.Helper()
	for path, want := range map[string]int{
		"/debug/pprof/": http.StatusOK, "/debug/pprof/goroutine": http.StatusOK, "/debug/pprof/profile?seconds=1": http.StatusOK,
		"/debug/pprof/cmdline": http.StatusNotFound,
	} {
		if status, body := fetch(t, base+path); status != want {
			t.Errorf("%s: got %d %.200s", path, status, body)
		}
	}
	for _, c := range []struct {
		path, host, site string
		want             int
	}{
		{"/metrics", "attacker.example", "", http.StatusMisdirectedRequest},
		{"/debug/pprof/heap?gc=1", "", "cross-site", http.StatusForbidden},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+c.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = c.host
		request.Header.Set("Sec-Fetch-Site", c.site)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s, host %q, site %q: got %d, want %d", c.path, c.host, c.site, response.StatusCode, c.want)
		}
	}
}

// fightsConfig returns the settings of a separate fights service that has an admin listener and picks from the given
// services.
func fightsConfig(t *testing.T, bases map[string]string) app.FightConfig {
	t.Helper()
	cfg := app.FightConfig{
		Addr: "127.0.0.1:0", HeroesURL: bases["heroes"], VillainsURL: bases["villains"], LocationsURL: bases["locations"],
		Peers: remote.Config{Connect: time.Second, Write: time.Second, Read: 5 * time.Second, MaxConnections: 10, IdleConnections: 2},
	}
	cfg.MongodbURL, cfg.StoreWait = "sqlite:"+t.TempDir()+"/fights.db", time.Second
	cfg.AdminAddr, cfg.Profile = "127.0.0.1:0", app.Eco
	cfg.Deadline, cfg.ReadTimeout, cfg.WriteTimeout, cfg.ShutdownTimeout = 5*time.Second, 10*time.Second, 15*time.Second, 6*time.Second
	return cfg
}
