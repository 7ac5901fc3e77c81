package suite

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"superheroes/test/contract/wire"
)

func randomClauses(r room) []Clause {
	return []Clause{
		{ID: "random", Group: Core, Text: `a random pick is in the list: “200 with one item”`, hold: r.random},
		{ID: "random.same", Group: Full, Text: `a random pick is exactly what the list has: “One spelling everywhere: otherName, in the random answer too”`, hold: r.randomSame},
		{ID: "random.alias", Group: Full, Text: `“/random is an alias”`, hold: r.randomAlias},
		{ID: "random.no-store", Group: Full, Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: r.randomNoStore},
		{ID: "random.count", Group: Full, Text: `?count=N is an array of N of the list, its age in X-Age-Ms; without it “200 with one item”; in either case “Cache-Control: no-store”`, hold: r.randomCount},
		{ID: "random.count.refused", Group: Full, Text: `a count below 1, above 128 or malformed: “400 or 422 (one rule, documented), never 500”`, hold: r.randomCountRefused},
		{ID: "random.count.spread", Group: Full, Text: `in an array too: “each equally likely whatever the gaps in the ids”`, hold: r.randomCountSpread},
		{ID: "random.spread", Group: Full, Text: `“each equally likely whatever the gaps in the ids”`, hold: r.randomSpread},
	}
}

const fewDraws = 10

func (r room) random(c *check) {
	list := c.some(r)
	for range fewDraws {
		a := c.get(r.service, r.randomPath())
		c.require(r.has(list.entries, c.object(a)), a, "an entry of the list")
	}
}

func (r room) randomSame(c *check) { c.drawsFrom(r, c.some(r), r.randomPath()) }

func (r room) randomAlias(c *check) { c.drawsFrom(r, c.some(r), r.path()+"/random") }

func (c *check) drawsFrom(r room, list wholeList, target string) {
	for range fewDraws {
		a := c.get(r.service, target)
		c.require(exactlyIn(list.entries, c.object(a)), a, "exactly what the list has")
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
	answers := c.together(manyDraws, r.service, wire.Call{Target: r.randomPath()})
	c.spread(answers, list.entries, func(a wire.Answer) object { return c.object(a) })
}

// mostAge is the largest age of a pick, in milliseconds.
const mostAge = 1000

func (r room) randomCount(c *check) {
	list := c.some(r)
	for _, path := range []string{r.randomPath(), r.path() + "/random"} {
		for _, count := range []int{1, 2, 128} {
			a := c.get(r.service, path+"?count="+strconv.Itoa(count))
			picks := c.objects(a)
			c.require(len(picks) == count, a, "%d entries, not %d", count, len(picks))
			for _, pick := range picks {
				c.require(exactlyIn(list.entries, pick), a, "exactly what the list has, not %s", encode(pick))
			}
			c.noStore(a)
			age, err := strconv.Atoi(a.Header.Get("X-Age-Ms"))
			c.require(err == nil && age >= 0 && age <= mostAge, a, "X-Age-Ms of 0 to %d, not %q", mostAge, a.Header.Get("X-Age-Ms"))
		}
	}
	c.object(c.get(r.service, r.randomPath()))
}

func (r room) randomCountRefused(c *check) {
	for _, count := range []string{"0", "-1", "129", "abc", "1.0", "", "99999999999999999999", "1&count=2"} {
		for _, path := range []string{r.randomPath(), r.path() + "/random"} {
			c.names(c.refused(r.service, wire.Call{Target: path + "?count=" + count}), "count")
		}
	}
}

func (r room) randomCountSpread(c *check) {
	list := c.some(r)
	const count = 100
	answers := c.together(manyDraws/count, r.service, wire.Call{Target: fmt.Sprint(r.randomPath(), "?count=", count)})
	c.spreadOfAll(answers, list.entries, c.objects)
}
