package suite

import (
	"net/http"

	"superheroes/conformance/rawhttp"
)

const (
	countPath   = "/api/fights/count"
	executePath = "/api/fights/execute_fight"
)

const plainFight = `{"hero":{"name":"H"},"villain":{"name":"V"}}`

func fightClauses() []Clause {
	return serviceClauses("fights", Full, drawClauses(), ruleClauses(), fightFieldClauses(), bodyClauses(), bodyRefusalClauses(), storeClauses(),
		narrationClauses(), fightListClauses(), fightGzipClauses(), fightBrowserClauses())
}

func fightFields() []string {
	fields := []string{"id", "fight_date", "hero", "villain", "location"}
	return append(fields, sideFields()...)
}

func sideFields() []string {
	var fields []string
	for _, side := range []string{"winner", "loser"} {
		for _, field := range []string{"name", "level", "powers", "picture", "team"} {
			fields = append(fields, side+"_"+field)
		}
	}
	return fields
}

// fight holds a fight and the response in which the service returned it.
type fight struct {
	object
	answer rawhttp.Answer
}

func (f fight) id() string { return text(f.object, "id") }

// post returns a request that posts a fight with the given body.
func post(body string) rawhttp.Call {
	return rawhttp.Call{Method: http.MethodPost, Target: "/api/fights", Header: "Content-Type: application/json\r\n", Body: body}
}

// fight posts a body, requires that it is accepted, and returns the fight.
func (c *check) fight(body string) fight { return c.taken(post(body)) }

// execute requests a fight between fighters that the service picks.
func (c *check) execute() fight { return c.taken(rawhttp.Call{Target: executePath}) }

// taken sends a request, requires that it is accepted, and returns the fight in the
// response.
func (c *check) taken(call rawhttp.Call) fight {
	a := c.status(http.StatusOK, c.do("fights", call))
	return fight{c.object(a), a}
}

// drawn returns a random hero, villain and location, all picked by the fights service.
func (c *check) drawn() (hero, villain, location object) {
	a := c.get("fights", "/api/fights/randomfighters")
	fighters := c.object(a)
	location = c.object(c.get("fights", "/api/fights/randomlocation"))
	return c.part(a, fighters, "hero"), c.part(a, fighters, "villain"), location
}

// hasSides requires that a fight has the winner and loser fields that every member of the family returns.
func (c *check) hasSides(f fight) {
	c.require(text(f.object, "fight_date") != "", f.answer, "fight_date")
	for _, side := range []string{"winner", "loser"} {
		for _, field := range []string{"name", "team"} {
			c.require(text(f.object, side+"_"+field) != "", f.answer, "%s_%s", side, field)
		}
		for _, field := range []string{"powers", "picture"} {
			_, is := f.object[side+"_"+field].(string)
			c.require(is, f.answer, "a string as %s_%s", side, field)
		}
		_, ok := number(f.object, side+"_level")
		c.require(ok, f.answer, "an integer as %s_level", side)
	}
}
