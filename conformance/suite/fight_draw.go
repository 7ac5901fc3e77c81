package suite

import "superheroes/conformance/rawhttp"

func drawClauses() []Clause {
	return []Clause{
		{ID: "randomfighters", Group: Core, Text: `a hero and a villain from the catalogs: “200 {"hero":…,"villain":…}”`, hold: fighters().picked},
		{ID: "randomfighters.same", Text: `the random fighters are exactly as in the catalogs: “One spelling everywhere: otherName, in the random answer too”`, hold: fightersSame},
		{ID: "randomfighters.no-store", Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: fighters().noStore},
		{ID: "randomfighters.spread", Text: `both fighters are picked at random: “each equally likely whatever the gaps in the ids”`, hold: fighters().spread},
		{ID: "randomlocation", Group: Core, Text: `a location from the catalog: “200, a location”`, hold: place().picked},
		{ID: "randomlocation.same", Text: `the location is exactly as in the catalog: “200, a location”`, hold: place().same},
		{ID: "randomlocation.no-store", Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: place().noStore},
		{ID: "randomlocation.spread", Text: `the location is picked at random: “each equally likely whatever the gaps in the ids”`, hold: place().spread},
		{ID: "execute", Group: Core, Text: `a fight with its winner and its loser: “200 with the Fight”`, hold: func(c *check) { c.hasSides(c.execute()) }},
		{ID: "execute.drawn", Group: Core, Text: `winner and loser are entries from the catalogs: “200 with the Fight: three fetches”`, hold: executeDrawn},
		{ID: "execute.rule", Group: Core, Text: `execute_fight follows the rule: “the hero wins when its level is higher; a tie goes to the villain”`, hold: executeRule},
		{ID: "execute.same", Text: `hero, villain and location are exactly as in the catalogs: “three fetches at the same time, fought, stored”`, hold: executeSame},
		{ID: "execute.no-store", Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: func(c *check) { c.noStore(c.execute().answer) }},
		{ID: "execute.spread", Text: `execute_fight picks many different entries: “each equally likely whatever the gaps in the ids”`, hold: executeSpread},
	}
}

// draw describes an endpoint of the fights service that returns random catalog
// entries.
type draw struct {
	path  string
	rooms []room
	pick  func(c *check, r room, a rawhttp.Answer) object // returns the entry picked from catalog r
}

func fighters() draw {
	return draw{"/api/fights/randomfighters", rooms()[:2], func(c *check, r room, a rawhttp.Answer) object {
		return c.part(a, c.object(a), r.singular)
	}}
}

func place() draw {
	return draw{"/api/fights/randomlocation", rooms()[2:], func(c *check, _ room, a rawhttp.Answer) object { return c.object(a) }}
}

// picked requires that random picks are entries in the catalogs.
func (d draw) picked(c *check) {
	d.each(c, "of the catalog", func(r room, list []object, o object) bool { return r.has(list, o) })
}

func (d draw) same(c *check) {
	d.each(c, "exactly as in the catalog", func(_ room, list []object, o object) bool { return exactlyIn(list, o) })
}

func (d draw) each(c *check, expected string, good func(r room, list []object, o object) bool) {
	for _, r := range d.rooms {
		c.some(r)
	}
	for range fewDraws {
		a := c.get("fights", d.path)
		for _, r := range d.rooms {
			c.require(good(r, c.some(r).entries, d.pick(c, r, a)), a, "a %s %s", r.singular, expected)
		}
	}
}

func (d draw) noStore(c *check) { c.noStore(c.get("fights", d.path)) }

func (d draw) spread(c *check) {
	for _, r := range d.rooms {
		c.some(r)
	}
	answers := c.together(manyDraws, "fights", rawhttp.Call{Target: d.path})
	for _, r := range d.rooms {
		c.spread(answers, c.some(r).entries, func(a rawhttp.Answer) object { return d.pick(c, r, a) })
	}
}

func fightersSame(c *check) {
	fighters().same(c)
	a := c.get("fights", fighters().path)
	c.fields(a, c.object(a), []string{"hero", "villain"})
}

func executeDrawn(c *check) {
	lists := map[string]room{"heroes": rooms()[0], "villains": rooms()[1]}
	for range fewDraws {
		f := c.execute()
		for _, side := range []string{"winner", "loser"} {
			r, known := lists[text(f.object, side+"_team")]
			c.require(known, f.answer, "%s_team to be heroes or villains", side)
			drawn := object{"name": f.object[side+"_name"], "level": f.object[side+"_level"]}
			c.require(r.has(c.some(r).entries, drawn), f.answer, "a %s from the catalog as the %s", r.singular, side)
		}
	}
}

// executeRule compares the levels in the response itself; the clauses about POST compare the levels that were sent.
func executeRule(c *check) {
	for range 2 * fewDraws {
		f := c.execute()
		winner, _ := number(f.object, "winner_level")
		loser, _ := number(f.object, "loser_level")
		team := text(f.object, "winner_team")
		c.require(winner > loser || winner == loser && team == "villains", f.answer, "the fighter with the higher level to win, or the villain on a tie")
		c.require(team != text(f.object, "loser_team"), f.answer, "two teams")
	}
}

func executeSame(c *check) {
	for range fewDraws {
		f := c.execute()
		for _, r := range rooms() {
			c.require(exactlyIn(c.some(r).entries, c.part(f.answer, f.object, r.singular)), f.answer, "a %s exactly as in the catalog", r.singular)
		}
	}
}

func executeSpread(c *check) {
	answers := c.together(100, "fights", rawhttp.Call{Target: "/api/fights/execute_fight"})
	for _, r := range rooms() {
		list := c.some(r)
		c.spread(answers, list.entries, func(a rawhttp.Answer) object { return c.part(a, c.object(a), r.singular) })
	}
}
