package suite

import "superheroes/conformance/rawhttp"

func drawClauses() []Clause {
	return []Clause{
		{ID: "randomfighters", Group: Core, Text: `a hero and a villain from the catalogs: “200 {"hero":…,"villain":…}”`, hold: randomFighters},
		{ID: "randomfighters.same", Group: Full, Text: `both are exactly as in the catalogs: “One spelling everywhere: otherName, in the random answer too”`, hold: randomFightersSame},
		{ID: "randomfighters.no-store", Group: Full, Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: randomFightersNoStore},
		{ID: "randomfighters.spread", Group: Full, Text: `both are picked at random: “each equally likely whatever the gaps in the ids”`, hold: randomFightersSpread},
		{ID: "randomlocation", Group: Core, Text: `a location from the catalog: “200, a location”`, hold: randomLocation},
		{ID: "randomlocation.same", Group: Full, Text: `exactly as in the catalog: “200, a location”`, hold: randomLocationSame},
		{ID: "randomlocation.no-store", Group: Full, Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: randomLocationNoStore},
		{ID: "randomlocation.spread", Group: Full, Text: `it is picked at random: “each equally likely whatever the gaps in the ids”`, hold: randomLocationSpread},
		{ID: "execute", Group: Core, Text: `a fight with its winner and its loser: “200 with the Fight”`, hold: execute},
		{ID: "execute.drawn", Group: Core, Text: `both sides are entries of the catalogs: “200 with the Fight: three fetches”`, hold: executeDrawn},
		{ID: "execute.rule", Group: Core, Text: `execute_fight follows the rule: “the hero wins when its level is higher; a tie goes to the villain”`, hold: executeRule},
		{ID: "execute.same", Group: Full, Text: `hero, villain and location are exactly as in the catalogs: “three fetches at the same time, fought, stored”`, hold: executeSame},
		{ID: "execute.no-store", Group: Full, Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: executeNoStore},
		{ID: "execute.spread", Group: Full, Text: `execute_fight reaches many different entries: “each equally likely whatever the gaps in the ids”`, hold: executeSpread},
	}
}

func randomFighters(c *check) {
	heroes, villains := c.some(rooms()[0]), c.some(rooms()[1])
	for range fewDraws {
		a := c.get("fights", "/api/fights/randomfighters")
		o := c.object(a)
		c.require(rooms()[0].has(heroes.entries, c.part(a, o, "hero")), a, "a hero of the catalog")
		c.require(rooms()[1].has(villains.entries, c.part(a, o, "villain")), a, "a villain of the catalog")
	}
}

func randomFightersSame(c *check) {
	heroes, villains := c.some(rooms()[0]), c.some(rooms()[1])
	for range fewDraws {
		a := c.get("fights", "/api/fights/randomfighters")
		o := c.object(a)
		c.fields(a, o, []string{"hero", "villain"})
		c.require(exactlyIn(heroes.entries, c.part(a, o, "hero")), a, "a hero exactly as in the catalog")
		c.require(exactlyIn(villains.entries, c.part(a, o, "villain")), a, "a villain exactly as in the catalog")
	}
}

func randomFightersNoStore(c *check) { c.noStore(c.get("fights", "/api/fights/randomfighters")) }

func randomFightersSpread(c *check) {
	heroes, villains := c.some(rooms()[0]), c.some(rooms()[1])
	answers := c.together(manyDraws, "fights", rawhttp.Call{Target: "/api/fights/randomfighters"})
	c.spread(answers, heroes.entries, func(a rawhttp.Answer) object { return c.part(a, c.object(a), "hero") })
	c.spread(answers, villains.entries, func(a rawhttp.Answer) object { return c.part(a, c.object(a), "villain") })
}

func randomLocation(c *check) {
	locations := c.some(rooms()[2])
	for range fewDraws {
		a := c.get("fights", "/api/fights/randomlocation")
		c.require(rooms()[2].has(locations.entries, c.object(a)), a, "a location of the catalog")
	}
}

func randomLocationSame(c *check) {
	locations := c.some(rooms()[2])
	for range fewDraws {
		a := c.get("fights", "/api/fights/randomlocation")
		c.require(exactlyIn(locations.entries, c.object(a)), a, "a location exactly as in the catalog")
	}
}

func randomLocationNoStore(c *check) { c.noStore(c.get("fights", "/api/fights/randomlocation")) }

func randomLocationSpread(c *check) {
	locations := c.some(rooms()[2])
	answers := c.together(manyDraws, "fights", rawhttp.Call{Target: "/api/fights/randomlocation"})
	c.spread(answers, locations.entries, c.object)
}

func execute(c *check) { c.hasSides(c.execute()) }

func executeDrawn(c *check) {
	lists := map[string]room{"heroes": rooms()[0], "villains": rooms()[1]}
	for range fewDraws {
		f := c.execute()
		for _, side := range []string{"winner", "loser"} {
			r, known := lists[text(f.object, side+"_team")]
			c.require(known, f.answer, "heroes or villains as %s_team", side)
			drawn := object{"name": f.object[side+"_name"], "level": f.object[side+"_level"]}
			c.require(r.has(c.some(r).entries, drawn), f.answer, "a %s of the catalog as %s", r.singular, side)
		}
	}
}

// executeRule trusts the levels in the fight itself; the rule clauses for POST compare with the levels that were sent.
func executeRule(c *check) {
	for range 2 * fewDraws {
		f := c.execute()
		winner, _ := number(f.object, "winner_level")
		loser, _ := number(f.object, "loser_level")
		team := text(f.object, "winner_team")
		c.require(winner > loser || winner == loser && team == "villains", f.answer, "the higher level as winner, or the villain on a tie")
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

func executeNoStore(c *check) { c.noStore(c.execute().answer) }

func executeSpread(c *check) {
	answers := c.together(100, "fights", rawhttp.Call{Target: "/api/fights/execute_fight"})
	for _, r := range rooms() {
		list := c.some(r)
		c.spread(answers, list.entries, func(a rawhttp.Answer) object { return c.part(a, c.object(a), r.singular) })
	}
}
