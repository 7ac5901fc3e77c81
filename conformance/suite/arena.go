package suite

import (
	"regexp"
	"strings"
)

// arena is the service name in the clauses of the Arena group.
const arena = "arena"

// ArenaClauses returns the clauses about the battle page. These clauses are checked only if the run has the page's
// address; the clauses about statistics also need the address of the statistics service.
func ArenaClauses() []Clause {
	clauses := []Clause{
		{ID: "livez", Text: `/livez: “200 while the process serves”`, hold: func(c *check) { c.get(arena, "/livez") }},
		{ID: "readyz", Text: `/readyz: “200, or 503 naming what is missing”`, hold: func(c *check) { c.get(arena, "/readyz") }},
		{ID: "healthz", Text: `/healthz: “shows … peers, profile, version”`, hold: arenaHealthz},
		{ID: "page", Text: `each page loads its scripts, styles and pictures only from the arena itself`, hold: arenaPage},
		{ID: "policy", Text: `the Content-Security-Policy allows no unsafe sources and no other hosts`, hold: arenaPolicy},
		{ID: "gateway", Text: `the arena proxies /api/heroes, /api/villains, /api/locations and /api/fights to the services`, hold: arenaGateway},
		{ID: "gateway.statistics", Text: `the arena also proxies /api/statistics`, hold: arenaStatistics},
		{ID: "gateway.stream", Text: `the arena forwards the events of a stream without delay: the current state at once, then each change`, hold: func(c *check) { c.updated(arena) }},
		{ID: "gateway.only", Text: `the arena proxies no other paths`, hold: arenaGatewayOnly},
	}
	return append(serviceClauses(arena, Arena, clauses, arenaBrowserClauses()), protocolClauses(arena, Arena, "/")...)
}

func arenaHealthz(c *check) {
	a := c.get(arena, "/healthz")
	health := c.object(a)
	c.identity(a, health)
	peers := c.part(a, health, "peers")
	for _, name := range []string{"heroes", "villains", "locations", "fights"} {
		c.part(a, peers, name)
	}
}

func arenaPage(c *check) {
	for _, path := range []string{"/", "/heroes", "/villains", "/locations", "/status"} {
		c.page(arena, path, "arena")
	}
}

func arenaPolicy(c *check) {
	a := c.get(arena, "/")
	policy := a.Header.Get("Content-Security-Policy")
	c.require(policy != "", a, "a Content-Security-Policy")
	other := regexp.MustCompile(`unsafe|https?:|\*|data:|blob:|[a-z]\.[a-z]`).FindString(policy)
	c.require(other == "", a, "a policy without %q", other)
	c.require(strings.Contains(policy, "default-src 'none'"), a, "a Content-Security-Policy that allows nothing by default")
}

// arenaGateway sends each request to both the service and the arena, and compares the responses.
func arenaGateway(c *check) {
	targets := map[string]string{"/api/fights/count": "fights", "/api/fights?limit=0": "fights"}
	for _, r := range rooms() {
		list := c.some(r)
		first := r.one(c.ids(list.answer, list.entries)[0])
		for _, target := range []string{r.path(), r.path() + "?limit=2", first, first + "/picture.svg", first + "0000000000000000000"} {
			targets[target] = r.service
		}
	}
	for target, service := range targets {
		c.passedOn(service, target)
	}
}

func arenaStatistics(c *check) {
	c.get(arena, statisticsPath)
	c.passedOn("statistics", statisticsPath)
}

func arenaGatewayOnly(c *check) {
	for _, target := range []string{"/api", "/api/nobody", "/openapi.json", "/api/heroes/%2e%2e/%2e%2e/healthz", "/status/nobody", "/no-such-page.html"} {
		c.notFound(arena, target)
	}
}
