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
	"sync"
	"testing"
	"time"

	"superheroes/internal/app"
	"superheroes/internal/arena"
	"superheroes/internal/exchange"
	"superheroes/test/faults/fakepeer"
)

// world is the arena in front of the four services and a stand-in for the statistics. What the arena reaches can be
// stopped, part by part, and comes back at the same address.
type world struct {
	page  string // base URL of the arena
	hosts map[string]string
	parts map[string]*fakepeer.Peer
	rooms *editable
	dir   string
}

// startWorld starts a world whose heroes also have these names.
func startWorld(t *testing.T, names ...string) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), parts: map[string]*fakepeer.Peer{}}
	if len(names) > 0 {
		importHeroes(t, w.dir, names)
	}
	w.hosts = upIn(t, w.dir)
	for name, host := range w.hosts {
		if name == "arena" { // ours has the parts behind sockets
			continue
		}
		at := &url.URL{Scheme: "http", Host: host}
		passing := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }, FlushInterval: -1}
		w.parts[name] = fakepeer.New(t, passing.ServeHTTP)
	}
	w.rooms = &editable{token: token, base: "http://" + w.hosts["heroes"], changed: map[string]json.RawMessage{}}
	w.parts["heroes"].Behave(w.rooms.serve(w.hosts["heroes"]))
	w.parts["statistics"] = fakepeer.New(t, counter{"http://" + w.hosts["fights"]}.serve)
	w.page = w.startArena(t)
	return w
}

// importHeroes fills the catalog of heroes with these beside the shipped ones.
func importHeroes(t *testing.T, dir string, names []string) {
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
	if _, err := app.Import(t.Context(), "heroes", app.CatalogStore{DataDir: dir}, files, app.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
}

// startArena starts the arena alone, before the parts.
func (w *world) startArena(t *testing.T) string {
	t.Helper()
	cfg := app.ArenaConfig{
		Addr: "127.0.0.1:0", HeroesURL: w.parts["heroes"].URL, VillainsURL: w.parts["villains"].URL,
		LocationsURL: w.parts["locations"].URL, FightsURL: w.parts["fights"].URL, StatisticsURL: w.parts["statistics"].URL,
		Peers: arena.Config{Connect: 2 * time.Second, Write: 2 * time.Second, Read: 5 * time.Second, MaxConnections: 100, IdleConnections: 20},
	}
	cfg.Deadline, cfg.WriteTimeout, cfg.ShutdownTimeout = 5*time.Second, 15*time.Second, time.Millisecond
	a := app.New("test", io.Discard)
	if err := a.Arena(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop(context.WithoutCancel(t.Context())) }) // the open streams are broken off
	return "http://" + a.Endpoints()[0].Addr
}

// counter stands in for the service of statistics: it looks at the fights again and again.
type counter struct{ fights string }

func (c counter) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/healthz":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok","service":"statistics","version":"test","profile":"eco","store":{"engine":"sqlite","status":"ok"},"peers":{}}`)
	case "/readyz":
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	case "/api/statistics/stream":
		w.Header().Set("Content-Type", "text/event-stream")
		c.stream(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (c counter) stream(w http.ResponseWriter, r *http.Request) {
	last := ""
	for r.Context().Err() == nil {
		state, err := c.count(r.Context())
		if err == nil && state != last {
			last = state
			fmt.Fprintf(w, "data: %s\n\n", state)
		} else {
			fmt.Fprint(w, ": nothing new\n\n")
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-time.After(250 * time.Millisecond):
		case <-r.Context().Done():
		}
	}
}

type winner struct {
	Name string `json:"name"`
	Team string `json:"team"`
	Wins int    `json:"wins"`
}

func (c counter) count(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.fights+"/api/fights?limit=100", nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	var fights []struct {
		Date   string `json:"fight_date"`
		Winner string `json:"winner_name"`
		Team   string `json:"winner_team"`
	}
	if err := json.NewDecoder(response.Body).Decode(&fights); err != nil {
		return "", err
	}
	state := struct {
		Total      int              `json:"total"`
		Heroes     int              `json:"heroes"`
		Villains   int              `json:"villains"`
		Since      string           `json:"since,omitempty"`
		TopWinners []winner         `json:"top_winners"`
		Locations  []map[string]any `json:"locations"`
	}{Total: len(fights), TopWinners: []winner{}, Locations: []map[string]any{{"name": "Gotham City", "fights": len(fights)}}}
	for _, fight := range fights {
		state.Since = fight.Date
		if fight.Team == "heroes" {
			state.Heroes++
		} else {
			state.Villains++
		}
		if len(state.TopWinners) < 10 {
			state.TopWinners = append(state.TopWinners, winner{fight.Winner, fight.Team, 1})
		}
	}
	text, err := json.Marshal(state)
	return string(text), err
}

const token = "let me in"

// editable stands in for a catalog that can be edited: what was written lies over what the real one has.
type editable struct {
	token, base string
	mu          sync.Mutex
	changed     map[string]json.RawMessage // by path; null for what was deleted
	writes      []*http.Request
}

func (e *editable) serve(host string) http.HandlerFunc {
	at := &url.URL{Scheme: "http", Host: host}
	passing := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }, FlushInterval: -1}
	return func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if r.Method == http.MethodGet {
			entry, changed := e.changed[r.URL.Path]
			switch {
			case changed && string(entry) == "null":
				problem(w, http.StatusNotFound, "there is no hero with this id")
			case changed:
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Etag", fmt.Sprintf(`"%d"`, len(e.writes)))
				_, _ = w.Write(entry)
			default:
				w.Header().Set("Etag", `"0"`)
				passing.ServeHTTP(w, r)
			}
			return
		}
		e.write(w, r)
	}
}

// done tells what was written, in order.
func (e *editable) done() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var done []string
	for _, write := range e.writes {
		done = append(done, write.Method+" "+write.URL.Path+" "+write.Header.Get("If-Match"))
	}
	return strings.Join(done, ", ")
}

func (e *editable) write(w http.ResponseWriter, r *http.Request) {
	e.writes = append(e.writes, r)
	if r.Header.Get("Authorization") != "Bearer "+e.token {
		w.Header().Set("Www-Authenticate", "Bearer")
		problem(w, http.StatusUnauthorized, "the token is not the right one")
		return
	}
	if r.Method == http.MethodDelete {
		e.changed[r.URL.Path] = json.RawMessage("null")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var entry map[string]any
	if err := json.NewDecoder(r.Body).Decode(&entry); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	if entry["name"] == "" {
		problem(w, http.StatusUnprocessableEntity, "body.name: is missing", "body.name", "is missing")
		return
	}
	status, path := http.StatusOK, r.URL.Path
	entry["id"] = json.Number(path[strings.LastIndex(path, "/")+1:])
	if r.Method == http.MethodPost {
		status, path = http.StatusCreated, "/api/heroes/4711"
		entry["id"] = 4711
		w.Header().Set("Location", path)
	}
	e.changed[path], _ = json.Marshal(entry)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(e.changed[path])
}

func problem(w http.ResponseWriter, status int, detail string, place ...string) {
	answer := map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}
	if len(place) == 2 {
		answer["errors"] = []map[string]string{{"location": place[0], "message": place[1]}}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}
