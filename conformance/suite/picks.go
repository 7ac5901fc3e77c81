package suite

import (
	"fmt"
	"net/http"
	"strconv"

	"superheroes/conformance/rawhttp"
)

// picksClauses returns the clauses about the endpoint from which other services fetch picks in batches. No other
// member of the family has this endpoint.
func picksClauses(r room) []Clause {
	return []Clause{
		{ID: "picks", Text: `an array of N entries from the list, never cached, with an age: “What one service asks of another has a path of its own, GET /api/heroes/picks?count=N (villains, locations alike)”`, hold: r.picks},
		{ID: "picks.refused", Text: `a count below 1, above 128 or malformed: “400 or 422 (one rule, documented), never 500”`, hold: r.picksRefused},
		{ID: "picks.spread", Text: `picks are spread evenly too: “each equally likely whatever the gaps in the ids”`, hold: r.picksSpread},
		{ID: "picks.old", Text: `“an old caller's ?count= on a random path still gets what it got”`, hold: r.picksOld},
		{ID: "picks.documented", Text: `“so that a random path documents one object”`, hold: r.picksDocumented},
	}
}

func (r room) picksPath() string { return r.path() + "/picks" }

// randomPaths returns the two paths that respond with a single random entry.
func (r room) randomPaths() []string { return []string{r.randomPath(), r.path() + "/random"} }

// mostAge is the maximum age of a pick, in milliseconds.
const mostAge = 1000

func (r room) picks(c *check) {
	list := c.some(r)
	c.picked(list, c.get(r.service, r.picksPath()), 1)
	for _, count := range []int{1, 2, 128} {
		c.picked(list, c.get(r.service, r.picksPath()+"?count="+strconv.Itoa(count)), count)
	}
}

// picked requires that a response contains count entries from the list, reports their age and forbids caching.
func (c *check) picked(list wholeList, a rawhttp.Answer, count int) {
	picks := c.objects(a)
	c.require(len(picks) == count, a, "%d entries, not %d", count, len(picks))
	for _, pick := range picks {
		c.require(exactlyIn(list.entries, pick), a, "entries exactly as in the list, not %s", encode(pick))
	}
	c.noStore(a)
	age, err := strconv.Atoi(a.Header.Get("X-Age-Ms"))
	c.require(err == nil && age >= 0 && age <= mostAge, a, "X-Age-Ms of 0 to %d, not %q", mostAge, a.Header.Get("X-Age-Ms"))
}

func badCounts() []string {
	return []string{"0", "-1", "129", "abc", "1.0", "", "99999999999999999999", "1&count=2"}
}

func (r room) picksRefused(c *check) {
	for _, count := range badCounts() {
		c.names(c.refused(r.service, rawhttp.Call{Target: r.picksPath() + "?count=" + count}), "count")
	}
}

func (r room) picksSpread(c *check) {
	list := c.some(r)
	const count = 100
	answers := c.together(manyDraws/count, r.service, rawhttp.Call{Target: fmt.Sprint(r.picksPath(), "?count=", count)})
	c.spreadOfAll(answers, list.entries, c.objects)
}

// picksOld sends the undocumented requests that older versions of the services used before the picks
// endpoint existed.
func (r room) picksOld(c *check) {
	list := c.some(r)
	for _, path := range r.randomPaths() {
		for _, count := range []int{1, 128} {
			a := c.status(http.StatusOK, c.unseen(r.service, rawhttp.Call{Target: path + "?count=" + strconv.Itoa(count)}))
			c.picked(list, a, count)
		}
		for _, count := range badCounts() {
			c.names(c.refused(r.service, rawhttp.Call{Target: path + "?count=" + count}), "count")
		}
		c.object(c.get(r.service, path))
	}
}

// unseen is like do, but doesn't check the response against the document: for undocumented and compressed responses.
func (c *check) unseen(service string, call rawhttp.Call) rawhttp.Answer {
	a, err := c.clients[service].Do(c.ctx, call)
	if err != nil {
		c.fail(call.String(), err.Error(), "a response")
	}
	return a
}

// picksDocumented requires that each random path is documented as returning one object and taking no parameters.
func (r room) picksDocumented(c *check) {
	a := c.get(r.service, "/openapi.json")
	paths := c.part(a, c.object(a), "paths")
	for _, path := range r.randomPaths() {
		get := c.part(a, c.part(a, paths, path), "get")
		c.require(get["parameters"] == nil, a, "no parameter of %s", path)
		content := c.part(a, c.part(a, c.part(a, c.part(a, get, "responses"), "200"), "content"), "application/json")
		schema := c.part(a, content, "schema")
		c.require(schema["oneOf"] == nil && schema["type"] != "array", a, "one object at %s, not %s", path, encode(schema))
	}
	_, there := paths[r.picksPath()]
	c.require(there, a, "%s among the paths", r.picksPath())
}
