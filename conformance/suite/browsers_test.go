package suite

import (
	"net/http"
	"strings"
	"testing"

	"superheroes/test/system"
)

// forgets returns a change that removes headers from the request, so that the good member behind the proxy can't check
// them.
func forgets(names ...string) func(*exchange) {
	return func(e *exchange) {
		for _, name := range names {
			e.header.Del(name)
		}
	}
}

// anyHost makes a member accept any Host; noName makes it reject localhost.
func anyHost(e *exchange) { e.host = "localhost" }

func noName(e *exchange) {
	if strings.Contains(strings.ToLower(e.host), "localhost") {
		e.answer(http.StatusMisdirectedRequest, "{}")
	}
}

// ofPages limits a change to requests with headers that only browsers send.
func ofPages(change func(*exchange)) func(*exchange) {
	return func(e *exchange) {
		if e.header.Get("Sec-Fetch-Site") != "" || e.header.Get("Origin") != "" {
			change(e)
		}
	}
}

func wrongBrowsers() []wrong {
	const deaf = "browser headers are ignored"
	all := []wrong{
		{"fights.sites.execute", deaf, fault{before: at(executeFight, forgets("Sec-Fetch-Site", "Origin"))}},
		{"fights.sites.execute", "only Origin counts", fault{before: at(executeFight, forgets("Sec-Fetch-Site"))}},
		{"fights.sites.execute", "only Sec-Fetch-Site counts", fault{before: at(executeFight, forgets("Origin"))}},
		{"fights.sites.execute", "stored and refused", fault{before: at(executeFight,
			forgets("Sec-Fetch-Site", "Origin")), after: at(executeFight, turn(200, 403))}},
		{"fights.sites.execute", "any navigation is accepted", fault{before: at(executeFight, func(e *exchange) {
			if e.header.Get("Sec-Fetch-Mode") == "navigate" {
				e.header.Set("Sec-Fetch-User", "?1")
			}
		})}},
		{"fights.sites.execute", "HEAD is not checked", fault{before: at("HEAD /api/fights/execute_fight", forgets("Sec-Fetch-Site"))}},
		{"fights.sites.post", deaf, fault{before: at(postFight, forgets("Sec-Fetch-Site", "Origin"))}},
		{"fights.sites.post", "only Sec-Fetch-Site counts", fault{before: at(postFight, forgets("Origin"))}},
		{"fights.sites.post", "stored and refused", fault{before: at(postFight, forgets("Sec-Fetch-Site", "Origin")), after: at(postFight, turn(200, 403))}},
		{"fights.sites.click", "a click is ignored", fault{before: at(executeFight, forgets("Sec-Fetch-User"))}},
		{"fights.sites.click", "a click may post", fault{before: at(postFight, func(e *exchange) {
			if e.header.Get("Sec-Fetch-User") != "" {
				e.header.Del("Sec-Fetch-Site")
			}
		})}},
		{"fights.sites.own", "for programs only", fault{after: ofPages(turn(200, 403))}},
		{"fights.sites.own", "every Origin is rejected", fault{before: at(postFight, func(e *exchange) {
			if e.header.Get("Origin") != "" && e.header.Get("Sec-Fetch-Site") == "" {
				e.header.Set("Origin", "null")
			}
		})}},
	}
	for _, r := range rooms() {
		all = append(all, wrong{r.service + ".write.sites", deaf, fault{before: forgets("Sec-Fetch-Site", "Origin")}},
			wrong{r.service + ".write.sites", "DELETE is not checked", fault{before: at("DELETE "+r.path()+"/*", forgets("Sec-Fetch-Site", "Origin"))}})
	}
	return all
}

// wrongBeforeBrowsers returns the faulty servers for the browser clauses of every service.
func wrongBeforeBrowsers() []wrong {
	return []wrong{
		{"host", "any name is accepted", fault{before: anyHost}},
		{"host", "no name is accepted", fault{before: noName}},
		{"host", "404 comes first", fault{before: at("GET /no-such-path", anyHost)}},
		{"cors.none", "any origin may read", fault{after: setHeader("Access-Control-Allow-Origin", "*")}},
		{"cors.none", "the Origin is echoed", fault{after: func(e *exchange) {
			if origin := e.header.Get("Origin"); origin != "" {
				e.response.Set("Access-Control-Allow-Origin", origin)
			}
		}}},
		{"cors.none", "any origin may send", fault{after: at("OPTIONS /api/fights", setHeader("Access-Control-Allow-Methods", "*"))}},
	}
}

// TestArenaBeforeBrowsers checks that the browser clauses fail for faulty arenas.
func TestArenaBeforeBrowsers(t *testing.T) { //nolint:tparallel // subtests share a member, and count its fights
	t.Parallel()
	good := system.Up(t, system.Build(t), t.TempDir())
	for clause, f := range map[string]fault{
		"arena.host":      {before: anyHost},
		"arena.cors.none": {after: setHeader("Access-Control-Allow-Origin", "*")},
		"arena.sites":     {before: at(executeFight, forgets("Sec-Fetch-Site", "Origin"))},
	} {
		t.Run(clause, func(t *testing.T) { catchesArena(t, good, arenaOf(t, good, f), clause) })
	}
	t.Run("a click", func(t *testing.T) {
		catchesArena(t, good, arenaOf(t, good, fault{before: at(executeFight, forgets("Sec-Fetch-User"))}), "arena.sites")
	})
}

// TestElsewhere checks that a run without Options.Loopback omits the Host clauses.
func TestElsewhere(t *testing.T) {
	for _, clause := range (Options{Arena: "http://arena"}).clauses(Target{Statistics: "http://statistics"}) {
		if isHost(clause) {
			t.Errorf("%s is checked", clause.ID)
		}
	}
}
