package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"superheroes/internal/app"
	"superheroes/internal/character"
	"superheroes/internal/exchange"
	"superheroes/internal/web"
	"superheroes/test/await"
)

// upConfig returns the default settings of the up command, but with free ports and a temporary data folder.
func upConfig(t *testing.T) app.UpConfig {
	t.Helper()
	const anyPort = "127.0.0.1:0"
	cfg := app.UpConfig{HeroesAddr: anyPort, VillainsAddr: anyPort, LocationsAddr: anyPort, FightsAddr: anyPort}
	cfg.UpStatistics = app.UpStatistics{Statistics: true, StatisticsAddr: anyPort}
	cfg.StatisticsLimits = web.StatisticsLimits{MaxStreams: 10}
	cfg.DataDir, cfg.Profile, cfg.SnapshotLimit = t.TempDir(), app.Eco, 64<<20
	cfg.Deadline, cfg.ReadTimeout, cfg.WriteTimeout, cfg.ShutdownTimeout = 5*time.Second, 10*time.Second, 15*time.Second, 6*time.Second
	return cfg
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// up starts the services and returns their base URLs. The services stop at the end of the test.
func up(t *testing.T, version string, cfg app.UpConfig) (*app.App, map[string]string) {
	t.Helper()
	a := app.New(version, io.Discard)
	if err := a.Up(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return a, basesOf(a)
}

func basesOf(a *app.App) map[string]string {
	bases := map[string]string{}
	for _, at := range a.Endpoints() {
		bases[at.Service] = "http://" + at.Addr
	}
	return bases
}

// Up serves requests, counts fights and logs nothing, even when it is restarted with the same data.
func TestUp(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cfg := upConfig(t)
	for round := range 2 {
		var log bytes.Buffer
		a := app.New("test", &log)
		if err := a.Up(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		bases := basesOf(a)
		if len(bases) != 5 {
			t.Fatalf("got %v", bases)
		}
		for service, base := range bases {
			if status, body := fetch(t, base+"/readyz"); status != http.StatusOK {
				t.Errorf("%s: got %d %s", service, status, body)
			}
		}
		if status, body := fetch(t, bases["fights"]+"/api/fights/execute_fight"); status != http.StatusOK {
			t.Errorf("start %d: got %d %s", round, status, body)
		}
		want := fmt.Sprintf(`{"total":%d,`, round+1)
		if status, body := fetch(t, bases["statistics"]+"/api/statistics"); status != http.StatusOK || !strings.HasPrefix(body, want) {
			t.Errorf("start %d: got %d %s, want %s…", round, status, body, want)
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if log.Len() > 0 {
			t.Errorf("round %d logged %s", round, &log)
		}
	}
}

// While another process keeps replacing the only hero, every pick in the strict profile reads the row from the
// database; in the eco profile, a pick soon after another is served from memory.
func TestUpProfiles(t *testing.T) {
	for _, c := range []struct {
		profile     app.Profile
		limit       int64
		fromMemory  bool
		description string
	}{
		{app.Strict, 64 << 20, false, "strict"},
		{app.Eco, 64 << 20, true, "eco"},
		{app.Eco, 100, false, "eco, above the limit"},
	} {
		t.Run(c.description, func(t *testing.T) {
			cfg := upConfig(t)
			cfg.Profile, cfg.SnapshotLimit = c.profile, c.limit
			_, bases := up(t, "test", cfg)
			heroes := bases["heroes"]
			if _, body := fetch(t, heroes+"/healthz"); !strings.Contains(body, `"profile":"`+string(c.profile)+`"`) {
				t.Errorf("the health response lacks the profile: %s", body)
			}
			fromMemory := false
			for id := int64(1); id <= 20 && !fromMemory; id++ {
				fetch(t, heroes+"/api/heroes/random_hero")
				only := importOnly(t, cfg.DataDir, id)
				_, body := fetch(t, heroes+"/api/heroes/random_hero")
				fromMemory = body != only
			}
			if fromMemory != c.fromMemory {
				t.Errorf("a pick was served from memory: got %t, want %t", fromMemory, c.fromMemory)
			}
		})
	}
}

// importOnly replaces all heroes with a single hero that has the given id, and returns that hero as JSON.
func importOnly(t *testing.T, dir string, id int64) string {
	t.Helper()
	only := string(character.Character{ID: id, Name: "The Only One"}.AppendJSON(nil))
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(only)), nil }
	files := []app.ImportFile{{Name: "only.jsonl", Format: exchange.JSONLines, Open: open}}
	_, err := app.Import(t.Context(), "heroes", app.CatalogStore{DataDir: dir}, files, app.ImportOptions{Replace: true})
	if err != nil {
		t.Fatal(err)
	}
	return only
}

// While one store is still unavailable, the catalogs in the other stores are already served, and startup can still fail.
func TestUpServesEarly(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	cfg := upConfig(t)
	cfg.Locations.MysqlURL, cfg.Locations.PoolMax, cfg.Locations.StoreWait = "mysql://u:p@127.0.0.1:1/d", 1, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	serving := make(chan app.Endpoint, 2)
	a, starting, ended := app.New("test", io.Discard), false, make(chan error, 1)
	a.OnStarting = func() { starting = true }
	a.OnServing = func(at app.Endpoint) { serving <- at }
	go func() { ended <- a.Up(ctx, cfg) }()
	early := map[string]string{}
	for range 2 {
		at := await.Value(t, "a service serves", serving)
		early[at.Service] = "http://" + at.Addr
	}
	if !starting {
		t.Error("the start wasn't reported before the first service")
	}
	for service, path := range map[string]string{"heroes": "/api/heroes/random_hero", "villains": "/api/villains/1"} {
		if status, body := fetch(t, early[service]+path); status != http.StatusOK {
			t.Errorf("%s: got %d %s", service, status, body)
		}
	}
	cancel()
	if err := await.Value(t, "the start fails", ended); err == nil || len(serving) > 0 {
		t.Errorf("got %v, and %d more services", err, len(serving))
	}
	for service, base := range early {
		if response, err := http.Get(base); err == nil {
			_ = response.Body.Close()
			t.Errorf("%s still accepts connections", service)
		}
	}
}

// If Up fails, the error names the flag, and nothing is left behind: the same folder and ports can be used again
// immediately.
func TestUpFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	addr := taken.Addr().String()
	for _, c := range []struct {
		name   string
		change func(*app.UpConfig)
		wants  []string
	}{
		{"the heroes port is in use", func(c *app.UpConfig) { c.HeroesAddr = addr }, []string{addr, "--heroes-addr"}},
		{"the arena port is in use", func(c *app.UpConfig) { c.Arena, c.ArenaAddr = true, addr }, []string{addr, "--arena-addr"}},
		{"a store file that can't be created", func(c *app.UpConfig) {
			c.Fights.MongodbURL = "sqlite:" + c.DataDir + "/nobody/fights.db"
		}, []string{"fights", "nobody", "--fights-mongodb-url"}},
		{"a database server that is not running", func(c *app.UpConfig) {
			c.Villains.DatabaseURL, c.Villains.PoolMax, c.Villains.StoreWait = "postgres://u:hidden@127.0.0.1:1/d", 1, time.Millisecond
		}, []string{"villains", "127.0.0.1:1", "--villains-database-url"}},
		{"an invalid URL", func(c *app.UpConfig) { c.Locations.MysqlURL = "hidden" }, []string{"locations", "--locations-mysql-url"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			good := upConfig(t)
			bad := good
			c.change(&bad)
			err := app.New("test", io.Discard).Up(t.Context(), bad)
			if err == nil {
				t.Fatal("up started")
			}
			for _, want := range c.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
			startStop(t, good)
		})
	}
	t.Run("canceled while waiting for a store", func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		cfg := upConfig(t)
		cfg.Heroes.DatabaseURL, cfg.Heroes.PoolMax, cfg.Heroes.StoreWait = "postgres://u:hidden@127.0.0.1:1/d", 1, time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := app.New("test", io.Discard).Up(ctx, cfg); err == nil {
			t.Error("up started")
		}
	})
}

func startStop(t *testing.T, cfg app.UpConfig) {
	t.Helper()
	a := app.New("test", io.Discard)
	if err := a.Up(t.Context(), cfg); err != nil {
		t.Errorf("restarting without the fault: %v", err)
		return
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
