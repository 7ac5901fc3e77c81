package suite

import (
	"reflect"
	"slices"

	"superheroes/conformance/rawhttp"
)

func randomClauses(r room) []Clause {
	return []Clause{
		{ID: "random", Group: Core, Text: `a random pick is an entry from the list: “200 with one item”`, hold: r.random},
		{ID: "random.same", Text: `a random pick is exactly as in the list: “One spelling everywhere: otherName, in the random answer too”`, hold: r.randomSame},
		{ID: "random.alias", Text: `“/random is an alias”`, hold: r.randomAlias},
		{ID: "random.no-store", Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: r.randomNoStore},
		{ID: "random.spread", Text: `“each equally likely whatever the gaps in the ids”`, hold: r.randomSpread},
	}
}

const fewDraws = 10

func (r room) random(c *check) {
	list := c.some(r)
	for range fewDraws {
		a := c.get(r.service, r.randomPath())
		c.require(r.has(list.entries, c.object(a)), a, "an entry from the list")
	}
}

func (r room) randomSame(c *check) { c.drawsFrom(r, c.some(r), r.randomPath()) }

func (r room) randomAlias(c *check) { c.drawsFrom(r, c.some(r), r.path()+"/random") }

func (c *check) drawsFrom(r room, list wholeList, target string) {
	for range fewDraws {
		a := c.get(r.service, target)
		c.require(exactlyIn(list.entries, c.object(a)), a, "an entry exactly as in the list")
	}
}

func exactlyIn(list []object, o object) bool {
	return slices.ContainsFunc(list, func(entry object) bool { return reflect.DeepEqual(entry, o) })
}

func (r room) randomNoStore(c *check) {
	c.some(r)
	c.noStore(c.get(r.service, r.randomPath()))
	c.noStore(c.get(r.service, r.path()+"/random"))
}

func (r room) randomSpread(c *check) {
	list := c.some(r)
	answers := c.together(manyDraws, r.service, rawhttp.Call{Target: r.randomPath()})
	c.spread(answers, list.entries, func(a rawhttp.Answer) object { return c.object(a) })
}
