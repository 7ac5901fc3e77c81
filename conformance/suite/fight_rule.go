package suite

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

func ruleClauses() []Clause {
	return []Clause{
		{ID: "post", Group: Core, Text: `a fight between the fighters that were sent: “200 with the Fight”`, hold: postDrawn},
		{ID: "post.rule", Group: Core, Text: `“the hero wins when its level is higher”`, hold: postRule},
		{ID: "post.tie", Group: Core, Text: `“a tie goes to the villain”`, hold: postTie},
		{ID: "post.sides", Text: `“winner_name, winner_level, winner_powers, winner_picture, winner_team (heroes | villains), loser_name, …”`, hold: postSides},
		{ID: "post.no-store", Text: `“Random answers, execute_fight and POST carry Cache-Control: no-store”`, hold: func(c *check) { c.noStore(c.fight(plainFight).answer) }},
	}
}

func postDrawn(c *check) {
	hero, villain, location := c.drawn()
	f := c.fight(encode(object{"hero": hero, "villain": villain, "location": location}))
	c.hasSides(f)
	names := []string{text(f.object, "winner_name"), text(f.object, "loser_name")}
	want := []string{text(hero, "name"), text(villain, "name")}
	slices.Sort(names)
	slices.Sort(want)
	c.require(slices.Equal(names, want), f.answer, "a fight between %s", strings.Join(want, " and "))
}

// fightAt posts a fight between random fighters whose levels are set to the given values, and requires
// that the given team wins.
func (c *check) fightAt(hero, villain int, winner string) {
	h, v, location := c.drawn()
	h["level"], v["level"] = hero, villain
	f := c.fight(encode(object{"hero": h, "villain": v, "location": location}))
	c.require(text(f.object, "winner_team") == winner, f.answer, "%s to win at levels %d and %d", winner, hero, villain)
	name := map[string]string{"heroes": text(h, "name"), "villains": text(v, "name")}[winner]
	c.require(text(f.object, "winner_name") == name, f.answer, "%s to win", name)
}

func postRule(c *check) {
	c.fightAt(6, 5, "heroes")
	c.fightAt(5, 6, "villains")
	c.fightAt(1, 0, "heroes")
	c.fightAt(1<<31-1, 1<<31-2, "heroes")
	c.fightAt(9, 10, "villains")
}

func postTie(c *check) {
	c.fightAt(5, 5, "villains")
	c.fightAt(0, 0, "villains")
	c.fightAt(1<<31-1, 1<<31-1, "villains")
}

// postSides requires that winner and loser are copies of the fighters that were
// sent.
func postSides(c *check) {
	const hero = `{"id":1,"name":"H","otherName":"HO","level":%,"picture":"/h.png","powers":"hp"}`
	const villain = `{"id":2,"name":"V","otherName":"VO","level":5,"picture":"/v.png","powers":"vp"}`
	for _, level := range []string{"4", "6"} {
		f := c.fight(`{"hero":` + strings.ReplaceAll(hero, "%", level) + `,"villain":` + villain + `}`)
		sides := map[string]object{
			"heroes":   {"name": "H", "level": json.Number(level), "picture": "/h.png", "powers": "hp", "team": "heroes"},
			"villains": {"name": "V", "level": json.Number("5"), "picture": "/v.png", "powers": "vp", "team": "villains"},
		}
		for _, side := range []string{"winner", "loser"} {
			want := sides[text(f.object, side+"_team")]
			c.require(want != nil, f.answer, "%s_team to be heroes or villains", side)
			for field, value := range want {
				c.require(reflect.DeepEqual(f.object[side+"_"+field], value), f.answer, "%v as %s_%s", value, side, field)
			}
		}
	}
}
