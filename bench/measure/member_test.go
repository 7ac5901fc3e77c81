package measure

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// member is a fake member of the family with configurable faults.
type member struct {
	mu     sync.Mutex
	fights []string // ids, in order
	asked  atomic.Int64

	copies  func(n int) int                         // how many times to store the n-th fight; nil: once
	spoil   func(n int, fight map[string]any)       // modifies the response to the n-th fight request
	before  func(w http.ResponseWriter, n int) bool // called for each fight; returns true if it sent a response
	noCount bool                                    // no /api/fights/count
	silent  atomic.Bool                             // like noCount, but can be set during a test
	busy    atomic.Int64                            // how many times the count is answered with status 503
	noList  bool                                    // no /api/fights
}

func (m *member) start(t *testing.T) Target {
	t.Helper()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return Target{Name: "member", URLs: map[Service]string{"": server.URL}}
}

func fighterOf(name string, level int) map[string]any {
	return map[string]any{"id": 1, "name": name, "otherName": "", "level": level, "picture": "", "powers": ""}
}

func (m *member) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hero, villain, place := fighterOf("Yodé", 7), fighterOf("Thanos", 7), map[string]any{"id": 1, "name": "Gotham City"}
	switch r.URL.Path {
	case "/livez":
	case "/healthz":
		answer(w, map[string]any{"profile": "eco"})
	case "/api/fights/count":
		m.count(w)
	case "/api/fights/randomfighters":
		answer(w, map[string]any{"hero": hero, "villain": villain})
	case "/api/fights/randomlocation", "/api/locations/random_location":
		answer(w, place)
	case "/api/heroes/random_hero":
		answer(w, hero)
	case "/api/fights/execute_fight":
		m.fight(w, hero, villain, place)
	case "/api/fights":
		if r.Method == http.MethodGet {
			m.list(w, r)
			return
		}
		var sent struct{ Hero, Villain, Location map[string]any }
		if body, err := io.ReadAll(r.Body); err != nil || json.Unmarshal(body, &sent) != nil {
			http.Error(w, "bad", http.StatusBadRequest)
			return
		}
		m.fight(w, sent.Hero, sent.Villain, sent.Location)
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (m *member) fight(w http.ResponseWriter, hero, villain, place map[string]any) {
	n := int(m.asked.Add(1))
	if m.before != nil && m.before(w, n) {
		return
	}
	answer(w, m.decide(n, hero, villain, place))
}

// decide stores the n-th fight and returns the response.
func (m *member) decide(n int, hero, villain, place map[string]any) map[string]any {
	copies := 1
	if m.copies != nil {
		copies = m.copies(n)
	}
	id := ""
	m.mu.Lock()
	for range copies {
		id = fmt.Sprintf("%010d", len(m.fights))
		m.fights = append(m.fights, id)
	}
	m.mu.Unlock()
	winner, loser, teams := villain, hero, [2]string{"villains", "heroes"}
	if number(hero["level"]) > number(villain["level"]) {
		winner, loser, teams = hero, villain, [2]string{"heroes", "villains"}
	}
	fight := map[string]any{
		"id": "f" + id, "fight_date": "2026-01-01T00:00:00Z", "hero": hero, "villain": villain, "location": place,
		"winner_name": winner["name"], "winner_level": winner["level"], "winner_team": teams[0],
		"loser_name": loser["name"], "loser_level": loser["level"], "loser_team": teams[1],
	}
	if m.spoil != nil {
		m.spoil(n, fight)
	}
	return fight
}

func number(value any) float64 {
	n, _ := strconv.ParseFloat(fmt.Sprint(value), 64)
	return n
}

func (m *member) count(w http.ResponseWriter) {
	if m.noCount || m.silent.Load() {
		http.Error(w, "no such path", http.StatusNotFound)
		return
	}
	if m.busy.Add(-1) >= 0 {
		http.Error(w, "the database is slow", http.StatusServiceUnavailable)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	answer(w, map[string]any{"count": len(m.fights)})
}

// list returns a page of fights as the contract specifies: newest first, starting after the fight whose id is in the
// "before" parameter.
func (m *member) list(w http.ResponseWriter, r *http.Request) {
	if m.noList {
		http.Error(w, "no such path", http.StatusNotFound)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	limit, before := 20, r.URL.Query().Get("before")
	if asked, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil {
		limit = asked
	}
	page := []map[string]any{}
	for _, id := range slices.Backward(m.fights) {
		if len(page) < limit && (before == "" || id < before) {
			page = append(page, map[string]any{"id": id})
		}
	}
	answer(w, page)
}

// breakOff closes the connection without responding.
func breakOff(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// quick returns options for a short run that has 5 warm-up iterations and 50 measured iterations, even on a busy
// machine.
func quick(t *testing.T, mix string, target Target) Options {
	t.Helper()
	parsed, err := ParseMix(mix)
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Mix: parsed, Targets: []Target{target}, Rates: []float64{100}, Connections: 4, Duration: 500 * time.Millisecond, Warmup: 50 * time.Millisecond,
		Timeout: time.Minute, MaxWait: time.Minute, Rounds: 1,
	}
}

// measure performs a single run and returns the result, ignoring void reasons caused by a busy machine.
func measure(t *testing.T, o Options) Run {
	t.Helper()
	report, err := Members(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	run := report.Series[0].Members[0].Runs[0]
	run.Void = slices.DeleteFunc(run.Void, ofTheMachine)
	return run
}

// ofTheMachine reports whether a run is void for a reason caused by other load on the machine.
func ofTheMachine(reason string) bool {
	return strings.HasPrefix(reason, "unrelated processes used") || strings.Contains(reason, "iterations started at least")
}
