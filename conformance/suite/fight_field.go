package suite

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

func fightFieldClauses() []Clause {
	return []Clause{
		{ID: "fields", Text: `a Fight has exactly “id, fight_date … winner_name, … loser_team, hero, villain, location (object or null)”`, hold: fieldsOfFight},
		{ID: "fields.parts", Text: `“In a Fight hero and villain have exactly Character's six fields, location its five”`, hold: fieldsOfParts},
		{ID: "id", Text: `“id is a UUID version 7 in its usual text form, made by the server”`, hold: fightID},
		{ID: "id.time", Text: `“id is a UUID version 7”: its first 48 bits are the time`, hold: fightIDTime},
		{ID: "id.increase", Text: `“Ids from one process strictly increase”`, hold: fightIDsIncrease},
		{ID: "id.unique", Text: `concurrent fights get different ids: “Ids from one process strictly increase”`, hold: fightIDsUnique},
		{ID: "date", Text: `“fight_date (RFC 3339, UTC, the moment it was decided)”`, hold: fightDate},
	}
}

func fieldsOfFight(c *check) {
	for _, f := range []fight{c.execute(), c.fight(plainFight)} {
		c.fields(f.answer, f.object, fightFields())
	}
	list := c.get("fights", "/api/fights?limit=2")
	for _, o := range c.objects(list) {
		c.fields(list, o, fightFields())
	}
}

func fieldsOfParts(c *check) {
	f := c.fight(`{"hero":{"name":"H"},"villain":{"name":"V"},"location":{"name":"L"}}`)
	for _, f := range []fight{f, c.execute()} {
		for _, r := range rooms() {
			c.fields(f.answer, c.part(f.answer, f.object, r.singular), r.fields)
		}
	}
}

// clocks is the maximum allowed difference between the member's clock and the suite's clock.
const clocks = time.Minute

func fightDate(c *check) {
	for _, f := range []fight{c.fight(plainFight), c.execute()} {
		date, err := time.Parse(time.RFC3339, text(f.object, "fight_date"))
		c.require(err == nil, f.answer, "a fight_date in RFC 3339 format (%v)", err)
		_, offset := date.Zone()
		c.require(offset == 0, f.answer, "fight_date in UTC")
		c.require(time.Since(date).Abs() < clocks, f.answer, "fight_date within a minute of %s", time.Now().UTC().Format(time.RFC3339))
	}
}

func isUUID7(id string) bool {
	return regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id)
}

func fightID(c *check) {
	for _, f := range []fight{c.fight(plainFight), c.execute()} {
		c.require(isUUID7(f.id()), f.answer, "a lower-case version 7 UUID as the id")
	}
}

func fightIDTime(c *check) {
	f := c.fight(plainFight)
	c.require(isUUID7(f.id()), f.answer, "a version 7 UUID as the id")
	ms, err := strconv.ParseInt(strings.ReplaceAll(f.id(), "-", "")[:12], 16, 64)
	c.require(err == nil && time.Since(time.UnixMilli(ms)).Abs() < clocks, f.answer, "an id whose time is within a minute of now")
}

func fightIDsIncrease(c *check) {
	last := ""
	for range 20 {
		f := c.fight(plainFight)
		c.require(f.id() > last, f.answer, "an id greater than %s", last)
		last = f.id()
	}
}

func fightIDsUnique(c *check) {
	have := map[string]bool{}
	for _, a := range c.together(64, "fights", post(plainFight)) {
		id := text(c.object(a), "id")
		c.require(id != "" && !have[id], a, "an id that no other fight has")
		have[id] = true
	}
}
