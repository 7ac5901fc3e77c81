package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/internal/app"
	"superheroes/internal/exchange"
	"superheroes/internal/remote"
	"superheroes/internal/web"
	"superheroes/test/fakepeer"
)

// token is the services' admin token.
const token = "let me in"

// settings returns the settings for running all services in one process, with free ports and a temporary data folder.
func settings(t *testing.T) app.UpConfig {
	t.Helper()
	const free = "127.0.0.1:0"
	cfg := app.UpConfig{HeroesAddr: free, VillainsAddr: free, LocationsAddr: free, FightsAddr: free, Arena: true, ArenaAddr: free}
	cfg.UpStatistics = app.UpStatistics{Statistics: true, StatisticsAddr: free, StatisticsLimits: web.StatisticsLimits{MaxStreams: 100}}
	cfg.DataDir, cfg.Profile, cfg.SnapshotLimit, cfg.AdminToken = t.TempDir(), app.Eco, 64<<20, token
	cfg.Deadline, cfg.ShutdownTimeout = 30*time.Second, 30*time.Second
	return cfg
}

// up starts all services in one process, and returns each service's host by service name.
func up(t *testing.T, cfg app.UpConfig) map[string]string {
	t.Helper()
	a := app.New("test", io.Discard)
	if err := a.Up(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	hosts := map[string]string{}
	for _, at := range a.Endpoints() {
		hosts[at.Service] = at.Addr
	}
	return hosts
}

// world consists of the services, and an arena that reaches them over HTTP through proxies. Each proxy can be stopped
// and then restarted at the same address.
type world struct {
	page  string            // base URL of the arena
	hosts map[string]string // base URLs of the services themselves
	parts map[string]*fakepeer.Peer
}

func startWorld(t *testing.T, cfg app.UpConfig) *world {
	t.Helper()
	cfg.Arena = false
	w := &world{hosts: up(t, cfg), parts: map[string]*fakepeer.Peer{}}
	for name := range w.hosts {
		w.parts[name] = fakepeer.New(t, w.passing(name))
	}
	w.page = w.startArena(t)
	return w
}

// passing forwards requests to a service.
func (w *world) passing(service string) http.HandlerFunc {
	at := &url.URL{Scheme: "http", Host: w.hosts[service]}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }, FlushInterval: -1}
	return proxy.ServeHTTP
}

// startArena starts the arena as a separate service that uses the proxies.
func (w *world) startArena(t *testing.T) string {
	t.Helper()
	cfg := app.ArenaConfig{
		Addr: "127.0.0.1:0", HeroesURL: w.parts["heroes"].URL, VillainsURL: w.parts["villains"].URL,
		LocationsURL: w.parts["locations"].URL, FightsURL: w.parts["fights"].URL, StatisticsURL: w.parts["statistics"].URL,
		Peers: remote.ProxyConfig{Connect: 2 * time.Second, Write: 2 * time.Second, Read: 5 * time.Second, MaxConnections: 100, IdleConnections: 20},
	}
	cfg.Deadline, cfg.WriteTimeout, cfg.ShutdownTimeout = 5*time.Second, 15*time.Second, time.Millisecond
	a := app.New("test", io.Discard)
	if err := a.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.WithoutCancel(t.Context())) }) // open event streams are aborted
	return "http://" + a.Endpoints()[0].Addr
}

// stalling returns the handler of a statistics service whose streams stall: the first stream sends the current state
// and then nothing; later streams send nothing at all.
func (w *world) stalling() http.HandlerFunc {
	pass, again := w.passing("statistics"), new(atomic.Bool)
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/statistics/stream" {
			pass(rw, r)
			return
		}
		if !again.Swap(true) {
			rw.Header().Set("Content-Type", "text/event-stream")
			_, _ = fmt.Fprintf(rw, "data: %s\n\n", `{"total":0,"heroes":0,"villains":0,"since":null,"top_winners":[],"locations":[]}`)
			_ = http.NewResponseController(rw).Flush()
		}
		<-r.Context().Done()
	}
}

// importHeroes imports heroes with the given names, either in addition to the bundled heroes or instead of them.
func importHeroes(t *testing.T, dir string, options app.ImportOptions, names ...string) {
	t.Helper()
	var lines strings.Builder
	for _, name := range names {
		text, err := json.Marshal(map[string]any{"name": name, "otherName": name, "level": 1, "picture": "", "powers": name + ", " + name})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s\n", text)
	}
	files := []app.ImportFile{{Name: "names.jsonl", Format: exchange.JSONLines, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(lines.String())), nil
	}}}
	if _, err := app.Import(t.Context(), "heroes", app.CatalogStore{DataDir: dir}, files, options); err != nil {
		t.Fatal(err)
	}
}

// fight requests a fight through a client other than the browser, and returns the fight.
func (w *world) fight(t *testing.T) fought {
	t.Helper()
	return fetchJSON[fought](t, "http://"+w.hosts["fights"]+"/api/fights/execute_fight")
}

// fights returns the 100 latest stored fights, newest first.
func (w *world) fights(t *testing.T) []fought {
	t.Helper()
	return fetchJSON[[]fought](t, "http://"+w.hosts["fights"]+"/api/fights?limit=100")
}

type fought struct {
	ID            string
	Winner        string `json:"winner_name"`
	Loser         string `json:"loser_name"`
	Team          string `json:"winner_team"`
	Hero, Villain struct {
		Name  string
		Level int
	}
	Location struct{ Name string }
}

// call returns what the page announces after the fight.
func (f fought) call() string {
	low, high := min(f.Hero.Level, f.Villain.Level), max(f.Hero.Level, f.Villain.Level)
	if 2*high < 3*low {
		return "Upset! " + f.Winner + " wins!"
	}
	return f.Winner + " wins!"
}

func fetchJSON[T any](t *testing.T, url string) T {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var value T
	if err := json.NewDecoder(response.Body).Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// change changes a catalog entry through another client, using the admin token.
func (w *world) change(t *testing.T, method, service, path, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.hosts[service]+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		t.Fatalf("%s %s: %s", method, path, response.Status)
	}
}
