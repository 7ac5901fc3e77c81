package suite

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"superheroes/conformance/openapi"
	"superheroes/conformance/rawhttp"
)

const storedText = `“200 with the Fight, stored before it is answered”`

func storeClauses() []Clause {
	return []Clause{
		{ID: "stored.post", Group: Core, Text: `a posted fight can be read at once: ` + storedText, hold: storedPost},
		{ID: "stored.execute", Group: Core, Text: `a fight from execute_fight can be read at once: “three fetches at the same time, fought, stored”`, hold: func(c *check) { c.isStored(c.execute()) }},
		{ID: "stored.concurrent", Text: `none of many concurrent fights is lost: ` + storedText, hold: storedConcurrent},
		{ID: "get", Text: `/api/fights/{id} returns the fight as in the first response: ` + storedText, hold: getSameFight},
		{ID: "get.unknown", Text: `“200 or 404 (any well-formed UUID that isn't stored)”`, hold: getUnknownFight},
		{ID: "count", Text: `rejected fights are not counted: “200 {"count":…}, exact”`, hold: besideOthers(countExact)},
		{ID: "count.list", Text: `the list has as many fights as the count says: “200 {"count":…}, exact”`, hold: countedAndListed},
	}
}

func storedPost(c *check) {
	hero, villain, location := c.drawn()
	c.isStored(c.fight(encode(object{"hero": hero, "villain": villain, "location": location})))
}

// isStored requires that a fight can be read by its id or is in the list. If the member offers neither a read by
// id nor a list, the clause can't be checked.
func (c *check) isStored(f fight) {
	id := idOf(f.object)
	if id == "" {
		c.cannot("stored?", "the fight has no id: "+f.answer.String())
	}
	one := c.do("fights", rawhttp.Call{Target: "/api/fights/" + id})
	if found, is := read(one).(object); is && idOf(found) == id {
		return
	}
	list := c.do("fights", rawhttp.Call{Target: "/api/fights"})
	listed, is := read(list).([]any)
	if !is {
		c.cannot("stored?", list.Call.String()+" got "+list.String()+"; "+one.Call.String()+" got "+one.String())
	}
	here := slices.ContainsFunc(listed, func(element any) bool {
		entry, is := element.(object)
		return is && idOf(entry) == id
	})
	c.require(here, list, "the fight %s from an earlier response", id)
}

// idOf returns a fight's id as a string; some members send a number.
func idOf(fight object) string {
	switch id := fight["id"].(type) {
	case string:
		return id
	case json.Number:
		return string(id)
	}
	return ""
}

// read returns the decoded body of a 200 response, or nil for any other status or a body that isn't JSON.
func read(a rawhttp.Answer) any {
	var value any
	if a.Status != http.StatusOK || openapi.Decode(a.Body, &value) != nil {
		return nil
	}
	return value
}

func storedConcurrent(c *check) {
	for _, a := range c.together(40, "fights", post(plainFight)) {
		stored := c.do("fights", rawhttp.Call{Target: "/api/fights/" + text(c.object(a), "id")})
		c.require(stored.Status == http.StatusOK, stored, "200, because an earlier response acknowledged the fight")
	}
}

func getSameFight(c *check) {
	for _, f := range []fight{c.execute(), c.fight(plainFight)} {
		stored := c.get("fights", "/api/fights/"+f.id())
		c.require(reflect.DeepEqual(c.object(stored), f.object), stored, "the same fight as in the first response: %s", encode(f.object))
	}
}

func getUnknownFight(c *check) {
	for _, id := range []string{
		"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "01890a5d-ac96-774b-bcce-b302099a8057", "9b2f7a52-6f0c-4a8e-9d5c-3c3e8f1f2a11",
	} {
		c.notFound("fights", "/api/fights/"+id)
	}
}

func countExact(c *check) {
	before, _ := c.count()
	c.fight(plainFight)
	c.execute()
	c.refused("fights", post("{}"))
	c.fight(plainFight)
	after, a := c.count()
	c.require(after == before+3, a, "%d, three more than before", before+3)
}

func (c *check) count() (int64, rawhttp.Answer) {
	a := c.get("fights", countPath)
	o := c.object(a)
	c.fields(a, o, []string{"count"})
	count, ok := number(o, "count")
	c.require(ok && count >= 0, a, "a non-negative integer in the field count")
	return count, a
}
