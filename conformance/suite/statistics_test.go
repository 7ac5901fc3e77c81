package suite

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/test/system"
)

// wrongStatistics returns members whose statistics violate the contract.
func wrongStatistics() []wrong {
	const get = "GET /api/statistics"
	plus := func(field string, more func(asked int64) int64) func(*exchange) {
		var asked atomic.Int64
		return at(get, inObject(func(o object) {
			n, _ := number(o, field)
			o[field] = n + more(asked.Add(1))
		}))
	}
	always := func(more int64) func(int64) int64 { return func(int64) int64 { return more } }
	all := []wrong{
		{"fields", "a field too many", fault{after: at(get, set("draws", 0))}},
		{"fields", "no date", fault{after: at(get, set("since", nil))}},
		{"fields", "local time", fault{after: at(get, inObject(func(o object) { o["since"] = strings.Replace(text(o, "since"), "Z", "+02:00", 1) }))}},
		{"fields", "winners without teams", fault{after: at(get, inObject(func(o object) { delete(o["top_winners"].([]any)[0].(object), "team") }))}},
		{"sums", "draws", fault{after: plus("heroes", always(-1))}},
		{"order", "fewest first", fault{after: at(get, upsideDown("top_winners"))}},
		{"order", "locations in any order", fault{after: at(get, upsideDown("locations"))}},
		{"order", "eleven", fault{after: at(get, inObject(func(o object) {
			list := o["locations"].([]any)
			for len(list) < 11 {
				list = append(list, list[len(list)-1])
			}
			o["locations"] = list
		}))}},
		{"counted", "never", fault{after: at(get, inObject(func(o object) { o["total"] = 5 }))}},
		{"counted", "again on each request", fault{after: plus("total", func(asked int64) int64 { return asked })}},
		{"counted.team", "for the other team", fault{after: at(get, inObject(func(o object) { o["heroes"], o["villains"] = o["villains"], o["heroes"] }))}},
		{"nowhere", "counted for a location", fault{after: at(get,
			inObject(func(o object) { o["locations"] = []any{object{"name": "nowhere", "fights": o["total"]}} }))}},
		{"exact", "one too few", fault{after: plus("total", always(-1))}},
		{"exact", "one too many", fault{after: plus("total", always(1))}},
		{"fields", "unreadable is 0", fault{after: at(get, set("unreadable", 0))}},
	}
	for _, w := range wrongServer("statistics") {
		if w.clause != "openapi.answers" || w.name != "a field missing" && w.name != "an undocumented status" { // of lists only
			all = append(all, w)
		}
	}
	return wrongOf("statistics", all, wrongBeforeBrowsers(), wrongProtocol(get))
}

// upsideDown reverses a list in the response.
func upsideDown(field string) func(*exchange) {
	return inObject(func(o object) {
		list := o[field].([]any)
		for i := range len(list) / 2 {
			list[i], list[len(list)-1-i] = list[len(list)-1-i], list[i]
		}
	})
}

// streaming is a statistics stream implemented by polling, with optional faults.
type streaming struct {
	kind      string // the content type
	silent    bool   // sends no event until something changes
	dead      bool   // sends no changes
	indented  bool   // sends JSON on several lines
	talkative bool   // repeats events continuously
}

func wrongStreams() map[string]map[string]streaming {
	const kind = "text/event-stream"
	return map[string]map[string]streaming{
		"statistics.stream": {
			"plain JSON": {kind: "application/json"}, "nothing at once": {kind: kind, silent: true}, "several lines": {kind: kind, indented: true},
		},
		"statistics.stream.update": {"no updates": {kind: kind, dead: true}},
		"statistics.stream.pace":   {"without a pause": {kind: kind, talkative: true}, "nothing but the first": {kind: kind, dead: true}},
	}
}

// start serves the stream itself and forwards everything else to the service at base.
func (s streaming) start(t *testing.T, base string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := exchange{method: r.Method, target: r.RequestURI, header: r.Header}
		if r.URL.Path != streamPath {
			e.forward(t, base)
			w.Header().Set("Content-Type", e.response.Get("Content-Type"))
			w.WriteHeader(e.status)
			_, _ = io.WriteString(w, e.body)
			return
		}
		w.Header().Set("Content-Type", s.kind)
		w.WriteHeader(http.StatusOK)
		last := ""
		for first := true; r.Context().Err() == nil; first = false {
			now := exchange{method: http.MethodGet, target: statisticsPath, header: http.Header{}}
			now.forward(t, base)
			changed := now.body != last
			last = now.body
			if s.indented {
				now.body = strings.ReplaceAll(now.body, ",", ",\n")
			}
			if first && !s.silent || !first && changed && !s.dead || s.talkative {
				copies := 1
				if s.talkative {
					copies = 20 // faster than the contract allows, even on a slow machine
				}
				_, _ = io.WriteString(w, strings.Repeat("data: "+now.body+"\n\n", copies))
			}
			_ = http.NewResponseController(w).Flush()
			time.Sleep(300 * time.Millisecond)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// before returns a good member whose statistics stream is replaced by s.
func (s streaming) before(t *testing.T, good *system.System) Target {
	t.Helper()
	target := targetOf(good)
	target.Statistics = s.start(t, good.Statistics)
	return target
}

// TestWrongStatistics checks that each clause about statistics fails for a server that violates it.
func TestWrongStatistics(t *testing.T) { //nolint:tparallel // subtests share a member, and count its fights
	t.Parallel()
	good, caught := system.Up(t, system.Build(t), t.TempDir()), map[string]bool{}
	check := func(t *testing.T, target Target, clause string) {
		t.Helper()
		catches(t, target, clause, Options{Group: Statistics, Timeout: 2 * soon, Soon: soon})
		caught[clause] = true
	}
	for _, w := range wrongStatistics() {
		t.Run(w.clause+": "+w.name, func(t *testing.T) {
			target := targetOf(good)
			target.Statistics = w.start(t, good.Statistics, new(sync.Mutex))
			check(t, target, w.clause)
		})
	}
	for clause, members := range wrongStreams() {
		for name, wrong := range members {
			t.Run(clause+": "+name, func(t *testing.T) { check(t, wrong.before(t, good), clause) })
		}
	}
	t.Run("a stream implemented by polling passes", func(t *testing.T) {
		for clause := range wrongStreams() {
			only := func(c Clause) bool { return c.ID == clause }
			allPass(t, score(t, streaming{kind: "text/event-stream"}.before(t, good), Options{Group: Statistics, Only: only}))
		}
	})
	allCaught(t, caught, StatisticsClauses())
}

// TestStatisticsAreOptional checks that, without the statistics service's address, the statistics group can't run and a
// full run omits the clauses in that group.
func TestStatisticsAreOptional(t *testing.T) {
	if _, err := Run(t.Context(), Target{Heroes: "http://h", Villains: "http://v", Locations: "http://l",
		Fights: "http://f"}, Options{Group: Statistics, Timeout: time.Second}); err == nil {
		t.Error("Run accepted the statistics group without the service's address")
	}
	all := Options{Group: Full, Loopback: true}
	if without, with := len(all.clauses(Target{})), len(all.clauses(Target{Statistics: "http://s"})); without != len(Clauses()) || with != without+len(StatisticsClauses()) {
		t.Errorf("%d clauses without the address, %d with the address", without, with)
	}
}
