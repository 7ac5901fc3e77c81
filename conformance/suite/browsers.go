package suite

import (
	"net/http"
	"strings"

	"superheroes/conformance/rawhttp"
)

// Headers that browsers add to a request and that a page's scripts can't set.
const (
	crossSite    = "Sec-Fetch-Site: cross-site\r\n"
	sameSite     = "Sec-Fetch-Site: same-site\r\n" // another port or subdomain of the same domain
	otherOrigin  = "Origin: https://elsewhere.example\r\n"
	byClick      = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-User: ?1\r\n"
	withoutClick = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
)

// otherSites returns the headers that browsers add to requests from another site's page.
func otherSites() []string {
	return []string{crossSite, sameSite, otherOrigin, crossSite + otherOrigin, crossSite + withoutClick, "Origin: null\r\n"}
}

// browserClauses returns the clauses about browsers that apply to every service. The clause about Host applies only to
// services that listen on a loopback address; see Options.Loopback.
func browserClauses(service string) []Clause {
	return []Clause{
		{ID: "host", Text: `on loopback, the service “refuses a Host that is neither an IP literal nor a loopback name, 421”`, hold: func(c *check) { c.hosts(service) }},
		{ID: "cors.none", Text: `no other site's page can read the service's responses: only “--trusted-origin, TRUSTED_ORIGINS” lets in “front ends elsewhere, which then get CORS headers”`, hold: func(c *check) { c.noCORS(service) }},
	}
}

// fightBrowserClauses returns the clauses for the two endpoints that create a fight.
func fightBrowserClauses() []Clause {
	return []Clause{
		{ID: "sites.execute", Text: `“A browser's cross-site request that would store or change something is refused with 403 where the browser says so (Sec-Fetch-Site, else Origin), execute_fight too”`, hold: storingNothing(executeElsewhere)},
		{ID: "sites.post", Text: `a cross-site POST is rejected too: “refused with 403 where the browser says so”`, hold: storingNothing(postElsewhere)},
		{ID: "sites.click", Text: `“a navigation by a user's click (Sec-Fetch-User: ?1) is answered”, but the click can't post anything`, hold: clicked},
		{ID: "sites.own", Text: `requests other than “A browser's cross-site request” are accepted: from the service's own page, the address bar, or a program`, hold: ownSite},
	}
}

func arenaBrowserClauses() []Clause {
	return append(browserClauses(arena), Clause{
		ID: "sites", Text: `“A browser's cross-site request that would store or change something is refused with 403”, but a user's click may navigate to execute_fight`, hold: arenaSites,
	})
}

// hosts requires that a service accepts the Host values that browsers send to a local server, and rejects the values
// that browsers send after DNS rebinding.
func (c *check) hosts(service string) {
	for _, host := range []string{"localhost", "LOCALHOST:1", "localhost.:1", "a.localhost", "127.0.0.1", "192.0.2.1:1", "[::1]", "[2001:db8::1]:1"} {
		a := c.do(service, rawhttp.Call{Target: "/livez", Host: host})
		c.require(a.Status == http.StatusOK, a, "200 for the Host header %s", host)
	}
	for _, host := range []string{"elsewhere.example", "elsewhere.example:80", "localhost.elsewhere.example",
		"127.0.0.1.elsewhere.example", "notlocalhost", "2130706433"} {
		for _, target := range []string{"/livez", "/no-such-path"} {
			a := c.do(service, rawhttp.Call{Target: target, Host: host})
			c.require(a.Status == http.StatusMisdirectedRequest, a, "421 for the Host header %s", host)
		}
	}
}

// noCORS requires that no response has CORS headers, which would let pages on other sites read the response.
func (c *check) noCORS(service string) {
	for _, call := range []rawhttp.Call{
		{Target: "/livez", Header: otherOrigin}, {Target: "/readyz"}, {Target: "/no-such-path", Header: otherOrigin},
		{Target: "/api/" + strings.Replace(service, arena, "fights", 1), Header: crossSite + otherOrigin},
		{Method: http.MethodOptions, Target: "/livez", Header: otherOrigin + "Access-Control-Request-Method: GET\r\n"},
		{Method: http.MethodOptions, Target: "/api/fights",
			Header: otherOrigin + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"},
	} {
		a := c.do(service, call)
		for name := range a.Header {
			c.require(!strings.HasPrefix(name, "Access-Control-"), a, "no %s", name)
		}
	}
}

// storingNothing returns a check that runs the check refused and requires that no fight is stored in the meantime.
func storingNothing(refused func(*check)) func(*check) {
	return besideOthers(func(c *check) {
		before := c.storedFights()
		refused(c)
		a := c.do("fights", rawhttp.Call{Target: countPath})
		c.require(counted(a) <= before, a, "no new fight and a count of %d", before)
	})
}

// refusedFrom requires that the request is rejected with 403 for each of the given site headers.
func (c *check) refusedFrom(call rawhttp.Call, sites ...string) {
	for _, site := range sites {
		sent := call
		sent.Header += site
		c.status(http.StatusForbidden, c.do("fights", sent))
	}
}

func executeElsewhere(c *check) {
	c.refusedFrom(rawhttp.Call{Target: executePath}, otherSites()...)
	c.refusedFrom(rawhttp.Call{Method: http.MethodHead, Target: executePath}, crossSite)
}

func postElsewhere(c *check) {
	c.refusedFrom(post(plainFight), otherSites()...)
	c.refusedFrom(rawhttp.Call{Method: http.MethodPost, Target: "/api/fights", Body: plainFight}, crossSite) // not as JSON
}

func clicked(c *check) {
	c.taken(rawhttp.Call{Target: executePath, Header: crossSite + byClick})
	call := post(plainFight)
	call.Header += crossSite + byClick
	a := c.do("fights", call)
	c.require(a.Status == http.StatusForbidden, a, "403, since a click must not let another site's page post a form")
}

func ownSite(c *check) {
	own := "Origin: " + c.clients["fights"].Origin() + "\r\n"
	for _, header := range []string{"Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n" + byClick, own, "Sec-Fetch-Site: same-origin\r\n" + own} {
		c.taken(rawhttp.Call{Target: executePath, Header: header})
		call := post(plainFight)
		call.Header += header
		c.taken(call)
	}
}

func arenaSites(c *check) {
	for _, site := range otherSites() {
		for _, call := range []rawhttp.Call{{Target: executePath}, post(plainFight), {Method: http.MethodDelete, Target: "/api/heroes/1"}} {
			call.Header += site
			c.status(http.StatusForbidden, c.do(arena, call))
		}
	}
	c.status(http.StatusOK, c.do(arena, rawhttp.Call{Target: executePath, Header: crossSite + byClick}))
}

// writeSites requires that another site's page can't change anything, even with the right token.
func (r room) writeSites(c *check, m made) {
	for _, site := range otherSites() {
		for method, target := range map[string]string{http.MethodPost: r.path(), http.MethodPut: m.path, http.MethodPatch: m.path, http.MethodDelete: m.path} {
			var body any
			if method != http.MethodDelete {
				body = r.sample()
			}
			c.status(http.StatusForbidden, c.change(r, method, target, body, site))
		}
	}
	c.stored(r, m, m.fields)
}

// isHost reports whether a clause is about the Host header on loopback.
func isHost(clause Clause) bool { return strings.HasSuffix(clause.ID, ".host") }
