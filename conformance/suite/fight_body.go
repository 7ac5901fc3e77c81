package suite

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"

	"superheroes/conformance/rawhttp"
)

// maxBody is the largest accepted body, in bytes.
const maxBody = 64 << 10

func bodyClauses() []Clause {
	return []Clause{
		{ID: "post.id", Text: `“The server sets id, date and winner, whatever the client sends”`, hold: serverSets},
		{ID: "post.no-location", Text: `“location may be missing or null”`, hold: noLocation},
		{ID: "post.no-level", Text: `“level missing means 0”`, hold: noLevel},
		{ID: "post.no-strings", Text: `“other strings missing mean ""”`, hold: noStrings},
		{ID: "post.no-id", Text: `“a missing id means null in the answer”`, hold: noID},
		{ID: "post.unknown-fields", Text: `“unknown fields are dropped”`, hold: unknownFields},
		{ID: "post.case", Text: `“Field names are case sensitive”`, hold: caseSensitive},
		{ID: "post.largest-values", Text: `values exactly at the limits are accepted: “The entities' limits hold”`, hold: largestValues},
		{ID: "post.text", Text: `“Text is kept as sent: neither trimmed nor normalised, byte for byte”`, hold: textKept},
		{ID: "post.nesting", Text: `32 levels are accepted: “nesting beyond 32”`, hold: func(c *check) { c.fight(nested(32)) }},
		{ID: "post.largest", Text: `64 KiB are accepted: “body over 64 KiB”`, hold: func(c *check) { c.fight(filled(maxBody)) }},
		{ID: "post.media-type.none", Text: `“no content type at all is taken as JSON”`, hold: noMediaType},
	}
}

func serverSets(c *check) {
	const id = "01890a5d-ac96-774b-bcce-b302099a8057"
	f := c.fight(`{"id":"` + id + `","fight_date":"2001-02-03T04:05:06Z","winner_name":"me","winner_team":"heroes","winner_level":9,"loser_name":"you",` + plainFight[1:])
	c.require(f.id() != id, f.answer, "an id made by the server")
	c.require(!strings.HasPrefix(text(f.object, "fight_date"), "2001"), f.answer, "a date set by the server")
	c.require(text(f.object, "winner_name") == "V" && text(f.object, "winner_team") == "villains" &&
		text(f.object, "loser_name") == "H", f.answer, "the winner by the rule")
}

func noLocation(c *check) {
	for _, body := range []string{plainFight, `{"location":null,` + plainFight[1:]} {
		f := c.fight(body)
		value, there := f.object["location"]
		c.require(there && value == nil, f.answer, "null as location")
	}
}

func noLevel(c *check) {
	f := c.fight(plainFight)
	for _, part := range []string{"hero", "villain"} {
		level, ok := number(c.part(f.answer, f.object, part), "level")
		c.require(ok && level == 0, f.answer, "level 0 in the %s", part)
	}
	c.require(text(f.object, "winner_team") == "villains", f.answer, "a tie")
}

func noStrings(c *check) {
	f := c.fight(`{"hero":{"name":"H"},"villain":{"name":"V"},"location":{"name":"L"}}`)
	for part, fields := range map[string][]string{
		"hero": {"otherName", "picture", "powers"}, "villain": {"otherName", "picture", "powers"}, "location": {"description", "picture", "type"},
	} {
		for _, field := range fields {
			value, is := c.part(f.answer, f.object, part)[field].(string)
			c.require(is && value == "", f.answer, `"" as %s.%s`, part, field)
		}
	}
}

func noID(c *check) {
	f := c.fight(`{"hero":{"name":"H"},"villain":{"name":"V"},"location":{"name":"L"}}`)
	for _, r := range rooms() {
		value, there := c.part(f.answer, f.object, r.singular)["id"]
		c.require(there && value == nil, f.answer, "null as id of the %s", r.singular)
	}
}

func unknownFields(c *check) {
	f := c.fight(`{"referee":"R","hero":{"name":"H","age":5},"villain":{"name":"V","pet":{"name":"P"}},"location":{"name":"L","planets":[1]}}`)
	c.fields(f.answer, f.object, fightFields())
	for _, r := range rooms() {
		c.fields(f.answer, c.part(f.answer, f.object, r.singular), r.fields)
	}
}

func caseSensitive(c *check) {
	c.refused("fights", post(`{"Hero":{"name":"H"},"villain":{"name":"V"}}`))
	c.refused("fights", post(`{"hero":{"Name":"H"},"villain":{"name":"V"}}`))
	f := c.fight(`{"hero":{"name":"H","LEVEL":9,"othername":"o"},"villain":{"name":"V"}}`)
	hero := c.part(f.answer, f.object, "hero")
	level, _ := number(hero, "level")
	c.require(level == 0 && text(hero, "otherName") == "", f.answer, "LEVEL and othername dropped")
}

func largestValues(c *check) {
	hero := object{
		"id": json.Number("9223372036854775807"), "name": strings.Repeat("🦸", 50), "otherName": strings.Repeat("é", 255),
		"level": json.Number("2147483647"), "picture": strings.Repeat("p", 255), "powers": strings.Repeat("power, ", 1000),
	}
	villain := object{"id": json.Number("1"), "name": "V", "otherName": "", "level": json.Number("0"), "picture": "", "powers": ""}
	location := object{"id": json.Number("1"), "name": strings.Repeat("l", 50),
		"description": strings.Repeat("d", 1000), "picture": strings.Repeat("🌍", 255), "type": "MOON"}
	f := c.fight(encode(object{"hero": hero, "villain": villain, "location": location}))
	for part, want := range map[string]object{"hero": hero, "villain": villain, "location": location} {
		c.require(reflect.DeepEqual(c.part(f.answer, f.object, part), want), f.answer, "the %s as it was sent", part)
	}
}

// texts returns names that a store, an encoder or well-meaning cleanup code might alter.
func texts() []string {
	return []string{
		"  blanks at both ends  ", " ", "a\tb\r\nc", "Caf\u00e9", "Cafe\u0301", "\u212b \ufb01", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u202eabc \u05d0", "\ufeffa",
		"a\u00adb", "a\u2028b", "\u0001\u001f\u007f\u0085", "\ufffd\ufffe\uffff\U0010ffff", `<b>&amp;</b>"'`, "Robert'); DROP TABLE hero;--", `\ \\ \n`, "%s%n", "$gt.a", "[]", "null",
	}
}

// textKept posts fights with the names of texts and requires that the same names are read back.
func textKept(c *check) {
	for _, sent := range texts() {
		f := c.fight(encode(object{"hero": object{"name": sent, "powers": sent}, "villain": object{"name": "V"},
			"location": object{"name": sent, "description": sent}}))
		stored := c.get("fights", "/api/fights/"+f.id())
		for _, f := range []fight{f, {c.object(stored), stored}} {
			hero, location := c.part(f.answer, f.object, "hero"), c.part(f.answer, f.object, "location")
			kept := []string{text(hero, "name"), text(hero, "powers"), text(location, "name"),
				text(location, "description"), text(f.object, "loser_name"), text(f.object, "loser_powers")}
			for _, got := range kept {
				c.require(got == sent, f.answer, "%+q, not %+q", sent, got)
			}
		}
	}
}

// nested returns a valid body nested to the given depth.
func nested(depth int) string {
	return `{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "," + plainFight[1:]
}

// filled returns a valid body of exactly size bytes.
func filled(size int) string {
	const head, tail = `{"hero":{"name":"H","powers":"`, `"},"villain":{"name":"V"}}`
	return head + strings.Repeat("p", size-len(head)-len(tail)) + tail
}

func noMediaType(c *check) {
	c.taken(rawhttp.Call{Method: http.MethodPost, Target: "/api/fights", Body: plainFight})
}
