package suite

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"superheroes/conformance/openapi"
)

const (
	postFight      = "POST /api/fights"
	listFights     = "GET /api/fights"
	oneFight       = "GET /api/fights/*-*"
	narrateFight   = "GET /api/fights/*-*/narration"
	executeFight   = "GET /api/fights/execute_fight"
	drawFighters   = "GET /api/fights/randomfighters"
	drawLocation   = "GET /api/fights/randomlocation"
	nilUUID        = "00000000-0000-0000-0000-000000000000"
	fightsDocument = "GET /openapi.json"
)

func wrongFights() []wrong {
	return wrongOf("fights", wrongDraws(), wrongRules(), wrongFightFields(), wrongBodies(), wrongBodyRefusals(), wrongStores(), wrongNarrations(),
		wrongFightLists(), wrongLinks(), wrongGzip("/api/fights"))
}

func wrongDraws() []wrong {
	return []wrong{
		{"randomfighters", "hero and villain swapped", fault{after: at(drawFighters,
			inObject(func(o object) { o["hero"], o["villain"] = o["villain"], o["hero"] }))}},
		{"randomfighters", "no villain", fault{after: at(drawFighters, drop("villain"))}},
		{"randomfighters.same", "othername", fault{after: at(drawFighters, rename("otherName", "othername"))}},
		{"randomfighters.same", "a field too many", fault{after: at(drawFighters, set("location", nil))}},
		{"randomfighters.no-store", "may be cached", fault{after: at(drawFighters, dropHeader("Cache-Control"))}},
		{"randomfighters.spread", "every second response has the same fighters", fault{after: at(drawFighters, everyOther())}},
		{"randomfighters.spread", "always the same villain", fault{after: at(drawFighters, oneVillain())}},
		{"randomlocation", "nowhere", fault{after: at(drawLocation, set("name", "Nowhere"))}},
		{"randomlocation.same", "a field missing", fault{after: at(drawLocation, drop("description"))}},
		{"randomlocation.no-store", "may be cached", fault{after: at(drawLocation, setHeader("Cache-Control", "private"))}},
		{"randomlocation.spread", "every second response has the same entry", fault{after: at(drawLocation, everyOther())}},
		{"execute", "field names in camel case", fault{after: at(executeFight, rename("winner_name", "winnerName"))}},
		{"execute.drawn", "a stranger", fault{after: at(executeFight, set("winner_name", "Nobody"))}},
		{"execute.drawn", "another level", fault{after: at(executeFight, set("loser_level", 1))}},
		{"execute.rule", "the lower level wins", fault{after: at(executeFight, inObject(swapSides))}},
		{"execute.rule", "one team", fault{after: at(executeFight, set("loser_team", "villains"))}},
		{"execute.same", "othername", fault{after: at(executeFight, rename("otherName", "othername"))}},
		{"execute.same", "no location", fault{after: at(executeFight, set("location", nil))}},
		{"execute.no-store", "may be cached", fault{after: at(executeFight, dropHeader("Cache-Control"))}},
		{"execute.spread", "every response has the same fight", fault{after: at(executeFight, repeated())}},
	}
}

func repeated() func(*exchange) {
	first := ""
	return func(e *exchange) {
		if first == "" {
			first = e.body
		}
		e.body = first
	}
}

func oneVillain() func(*exchange) {
	var first any
	return inObject(func(o object) {
		if first == nil {
			first = o["villain"]
		}
		o["villain"] = first
	})
}

// swapSides swaps winner and loser.
func swapSides(o object) {
	for _, field := range []string{"name", "level", "powers", "picture", "team"} {
		o["winner_"+field], o["loser_"+field] = o["loser_"+field], o["winner_"+field]
	}
}

func wrongRules() []wrong {
	swapWhen := func(when func(o object) bool) func(*exchange) {
		return at(postFight, inObject(func(o object) {
			if when(o) {
				swapSides(o)
			}
		}))
	}
	return []wrong{
		{"post", "a stranger", fault{after: at(postFight, set("loser_name", "Nobody"))}},
		{"post.rule", "the villain always wins", fault{after: swapWhen(func(o object) bool { return o["winner_team"] == "heroes" })}},
		{"post.rule", "levels compared as strings", fault{after: swapWhen(func(o object) bool {
			return (string(o["winner_level"].(json.Number)) > string(o["loser_level"].(json.Number))) != (o["winner_level"] != o["loser_level"])
		})}},
		{"post.tie", "a tie goes to the hero", fault{after: swapWhen(func(o object) bool { return o["winner_level"] == o["loser_level"] })}},
		{"post.sides", "the loser's powers", fault{after: at(postFight, inObject(func(o object) { o["winner_powers"] = o["loser_powers"] }))}},
		{"post.sides", "pictures swapped", fault{after: at(postFight, inObject(func(o object) {
			o["winner_picture"], o["loser_picture"] = o["loser_picture"], o["winner_picture"]
		}))}},
		{"post.no-store", "may be cached", fault{after: at(postFight, dropHeader("Cache-Control"))}},
	}
}

func wrongFightFields() []wrong {
	inID := func(change func(id string) string) func(*exchange) {
		return at(postFight, inObject(func(o object) { o["id"] = change(text(o, "id")) }))
	}
	return []wrong{
		{"fields", "a field too many", fault{after: at(postFight, set("winner", "V"))}},
		{"fields", "a field missing from each fight in the list", fault{after: at(listFights, inEach(func(_ int, o object) { delete(o, "location") }))}},
		{"fields", "no location", fault{after: at(postFight, drop("location"))}},
		{"fields.parts", "a field missing", fault{after: at(postFight, inObject(func(o object) { delete(o["hero"].(object), "picture") }))}},
		{"fields.parts", "the location has only a name", fault{after: at(executeFight, inObject(func(o object) { o["location"] = object{"name": "L"} }))}},
		{"id", "version 4", fault{after: inID(func(id string) string { return id[:14] + "4" + id[15:] })}},
		{"id", "in upper case", fault{after: inID(strings.ToUpper)}},
		{"id", "an ObjectID", fault{after: inID(func(string) string { return "507f1f77bcf86cd799439011" })}},
		{"id.time", "no time in it", fault{after: inID(func(id string) string { return "00000000-0000" + id[13:] })}},
		{"id.increase", "decreasing", fault{after: inID(backwards())}},
		{"id.unique", "two fights share an id", fault{after: inID(twice())}},
		{"date", "local time", fault{after: at(postFight, inObject(func(o object) {
			o["fight_date"] = strings.Replace(text(o, "fight_date"), "Z", "+02:00", 1)
		}))}},
		{"date", "no zone", fault{after: at(executeFight, inObject(func(o object) { o["fight_date"] = strings.TrimSuffix(text(o, "fight_date"), "Z") }))}},
		{"date", "not now", fault{after: at(postFight, set("fight_date", "2020-01-01T00:00:00Z"))}},
	}
}

// backwards makes each id smaller than the previous one.
func backwards() func(string) string {
	left := 1000
	return func(id string) string {
		left--
		return fmt.Sprintf("%08d", left) + id[8:]
	}
}

// twice gives every tenth fight the id of the previous fight.
func twice() func(string) string {
	asked, last := 0, ""
	return func(id string) string {
		if asked++; asked%10 != 0 {
			last = id
		}
		return last
	}
}

// refuseWhere responds with 422 to each request whose body contains part.
func refuseWhere(part string) func(*exchange) {
	return at(postFight, func(e *exchange) {
		if strings.Contains(e.sent, part) {
			e.answer(http.StatusUnprocessableEntity, `{"title":"Unprocessable Entity","status":422,"detail":"no"}`)
		}
	})
}

func wrongBodies() []wrong {
	return []wrong{
		{"post.id", "the client's", fault{after: at(postFight, func(e *exchange) {
			var sent object
			if openapi.Decode([]byte(e.sent), &sent) == nil && sent["id"] != nil {
				set("id", sent["id"])(e)
			}
		})}},
		{"post.id", "the client's winner", fault{after: at(postFight, set("winner_name", "me"))}},
		{"post.id", "the client's date", fault{after: at(postFight, set("fight_date", "2001-02-03T04:05:06Z"))}},
		{"post.no-location", "omitted", fault{after: at(postFight, drop("location"))}},
		{"post.no-location", "null refused", fault{before: refuseWhere(`"location":null`)}},
		{"post.no-level", "refused", fault{before: refuseWhere(plainFight)}},
		{"post.no-level", "1", fault{after: at(postFight, replace(`"level":0`, `"level":1`))}},
		{"post.no-strings", "null", fault{after: at(postFight, replace(`""`, `null`))}},
		{"post.no-strings", "omitted", fault{after: at(postFight, inObject(func(o object) { delete(o["villain"].(object), "powers") }))}},
		{"post.no-id", "0", fault{after: at(postFight, replace(`"id":null`, `"id":0`))}},
		{"post.unknown-fields", "refused", fault{before: refuseWhere("referee")}},
		{"post.unknown-fields", "kept", fault{after: at(postFight, inObject(func(o object) { o["hero"].(object)["age"] = 5 }))}},
		{"post.case", "is ignored", fault{before: at(postFight, inTurn(replaceSent(`"Hero"`, `"hero"`), replaceSent(`"Name"`, `"name"`)))}},
		{"post.case", "LEVEL is accepted", fault{before: at(postFight, replaceSent(`"LEVEL"`, `"level"`))}},
		{"post.largest-values", "an id rounded like a float", fault{after: at(postFight, replace("9223372036854775807", "9223372036854775808"))}},
		{"post.largest-values", "the name limit counts bytes instead of characters", fault{before: refuseWhere(strings.Repeat("🦸", 50))}},
		{"post.text", "trimmed", fault{after: at(postFight, replace("  blanks at both ends  ", "blanks at both ends"))}},
		{"post.text", "normalised", fault{before: at(postFight, replaceSent("e\u0301", "\u00e9"))}},
		{"post.text", "line endings changed", fault{before: at(postFight, replaceSent(`\r\n`, `\n`))}},
		{"post.text", "changed by the store", fault{after: at(oneFight, replace("\ufeff", ""))}},
		{"post.nesting", "refused", fault{before: refuseWhere(strings.Repeat("[", 31))}},
		{"post.largest", "refused", fault{before: at(postFight, func(e *exchange) {
			if len(e.sent) >= maxBody {
				e.answer(http.StatusRequestEntityTooLarge, "{}")
			}
		})}},
		{"post.media-type.none", "refused", fault{before: at(postFight, func(e *exchange) {
			if e.header.Get("Content-Type") == "" {
				e.answer(http.StatusUnsupportedMediaType, "{}")
			}
		})}},
	}
}

func wrongBodyRefusals() []wrong {
	return []wrong{
		{"post.required", "an empty name is accepted", fault{before: at(postFight, replaceSent(`"name":""`, `"name":"?"`))}},
		{"post.required", "no villain needed", fault{before: at(postFight, replaceSent(`{"hero":{"name":"H"}}`, plainFight))}},
		{"post.location-name", "an empty location is accepted", fault{before: at(postFight, replaceSent(`"location":{}`, `"location":null`))}},
		{"post.limits", "a negative level becomes 0", fault{before: at(postFight, replaceSent(`"level":-1`, `"level":0`))}},
		{"post.limits", "an unknown type is accepted", fault{before: at(postFight, replaceSent(`"TOWN"`, `"CITY"`))}},
		{"post.limits", "long strings truncated", fault{before: at(postFight, replaceSent(strings.Repeat("x", 256), strings.Repeat("x", 255)))}},
		{"post.types", "5.0 accepted", fault{before: at(postFight, replaceSent(":5.0", ":5"))}},
		{"post.types", "a string accepted as a number", fault{before: at(postFight, replaceSent(`:"5"`, `:5`))}},
		{"post.types", "a number accepted as a string", fault{before: at(postFight, replaceSent(`"powers":5`, `"powers":"5"`))}},
		{"post.malformed", "trailing data ignored", fault{before: at(postFight, func(e *exchange) {
			if strings.HasPrefix(e.sent, plainFight) {
				e.sent = plainFight
			}
		})}},
		{"post.duplicate", "the last one wins", fault{before: at(postFight, normalised)}},
		{"post.too-deep", "any depth", fault{before: at(postFight, func(e *exchange) {
			if strings.HasPrefix(e.sent, `{"x":[[`) {
				e.sent = plainFight
			}
		})}},
		{"post.utf8", "replaced", fault{before: at(postFight, func(e *exchange) { e.sent = strings.ToValidUTF8(e.sent, "\ufffd") })}},
		{"post.utf8", "lone surrogates replaced", fault{before: at(postFight, normalised)}},
		{"post.utf8", "500 for NUL", fault{after: at(postFight, func(e *exchange) {
			if strings.Contains(e.sent, `\u0000`) {
				e.status = 500
			}
		})}},
		{"post.too-large", "trailing spaces ignored", fault{before: at(postFight, func(e *exchange) { e.sent = strings.TrimSpace(e.sent) })}},
		{"post.media-type", "anything accepted", fault{before: at(postFight, func(e *exchange) { e.header.Set("Content-Type", "application/json") })}},
		{"post.place", "not named", fault{after: at(postFight, replace("body.hero.name", "name"))}},
		{"refused.documented", "not documented", fault{after: at(fightsDocument, replace(`"422"`, `"418"`))}},
		{"id.refused", "merely not found", fault{after: at("GET /api/fights/*", turn(422, 404))}},
		{"id.refused", "404 for a UUID without dashes", fault{after: at("GET /api/fights/01890a5dac96*", turn(422, 404))}},
		{"list.refused", "an excessive limit is reduced instead of rejected", fault{before: at(listFights, retarget("limit=101", "limit=100"))}},
		{"list.refused", "a malformed cursor is ignored", fault{before: at(listFights,
			func(e *exchange) { e.target = strings.TrimSuffix(e.target, "before=5") })}},
		{"text.refused", "merely not found", fault{after: at("GET /api/fights/*", turn(422, 404))}},
	}
}

// losing hides every fight that was created by a request matching pattern.
func losing(pattern string) fault {
	lost := map[string]bool{}
	return fault{after: inTurn(
		at(pattern, inObject(func(o object) { lost[text(o, "id")] = true })),
		at(listFights, inList(func(list []any) []any {
			return slices.DeleteFunc(list, func(o any) bool { return lost[text(o.(object), "id")] })
		})),
		at(oneFight, inObject(func(object) {})),
		at(oneFight, func(e *exchange) {
			if lost[strings.TrimPrefix(e.path(), "/api/fights/")] {
				e.status = http.StatusNotFound
			}
		}))}
}

func wrongStores() []wrong {
	asked := 0
	return []wrong{
		{"stored.post", "lost", losing(postFight)},
		{"stored.execute", "lost", losing(executeFight)},
		{"stored.concurrent", "one of ten lost", fault{after: at(oneFight, func(e *exchange) {
			if asked++; asked%10 == 0 {
				e.status = http.StatusNotFound
			}
		})}},
		{"get", "the date truncated to seconds", fault{after: at(oneFight, inObject(func(o object) { o["fight_date"] = text(o, "fight_date")[:19] + "Z" }))}},
		{"get.unknown", "refused", fault{after: at(oneFight, turn(404, 422))}},
		{"count", "an estimate", fault{after: at("GET /api/fights/count", set("count", 100))}},
		{"count", "rejected fights are counted", fault{after: inTurn(countRefused())}},
		{"count.list", "one is counted twice", fault{after: at("GET /api/fights/count", inObject(func(o object) {
			n, _ := number(o, "count")
			o["count"] = n + 1
		}))}},
		{"count.list", "one is not listed", fault{after: at(listFights, inList(func(list []any) []any { return list[:max(0, len(list)-1)] }))}},
		{"count.list", "one is listed twice", fault{after: at(listFights, inList(func(list []any) []any { return append(list, list[0]) }))}},
		{"count", "a bare number", fault{after: at("GET /api/fights/count", func(e *exchange) { e.body = "100" })}},
	}
}

func countRefused() func(*exchange) {
	refused := 0
	return inTurn(
		at(postFight, func(e *exchange) {
			if e.status != http.StatusOK {
				refused++
			}
		}),
		at("GET /api/fights/count", inObject(func(o object) {
			count, _ := number(o, "count")
			o["count"] = count + int64(refused)
		})))
}

func wrongNarrations() []wrong {
	told := 0
	return []wrong{
		{"narration", "empty", fault{after: at(narrateFight, set("narration", " "))}},
		{"narration", "without the fighters", fault{after: at(narrateFight, set("narration", "Somebody won."))}},
		{"narration", "a field too many", fault{after: at(narrateFight, set("id", 1))}},
		{"narration.same", "another one each time", fault{after: at(narrateFight, inObject(func(o object) {
			told++
			o["narration"] = fmt.Sprint(o["narration"], told)
		}))}},
		{"narration.hostile", "names with line breaks", fault{after: at(narrateFight, replace("a b", `a\nb`))}},
		{"narration.hostile", "as long as the powers", fault{after: at(narrateFight, replace("🦸", strings.Repeat("🦸", 2000)))}},
		{"narration.unknown", "a story for every id", fault{after: at(narrateFight, turn(404, 200))}},
		{"narration.unknown", "malformed ids not found", fault{after: at("GET /api/fights/*/narration", turn(422, 404))}},
	}
}

func wrongFightLists() []wrong {
	limited := func(limit string) func(*exchange) {
		return at(listFights, query(func(q url.Values) {
			if !q.Has("limit") {
				q.Set("limit", limit)
			}
		}))
	}
	return []wrong{
		{"list", "oldest first", fault{after: at(listFights, inList(reversed))}},
		{"list", "the newest is missing", fault{after: at(listFights, inList(func(list []any) []any { return list[1:] }))}},
		{"list.default", "10 fights", fault{before: limited("10")}},
		{"list.default", "100 fights", fault{before: limited("100")}},
		{"list.limit", "ignored", fault{before: at(listFights, without("limit"))}},
		{"list.limit", "100 refused", fault{after: at(listFights, whereTarget("limit=100", turn(200, 422)))}},
		{"list.before", "ignored", fault{before: at(listFights, without("before"))}},
		{"list.before", "including the fight itself", fault{before: at(listFights, query(func(q url.Values) {
			if id := q.Get("before"); id != "" {
				q.Set("before", id[:24]+"ffffffffffff")
			}
		}))}},
		{"list.before.any", "must exist", fault{after: at(listFights, whereTarget("before=ffff", turn(200, 404)))}},
		{"list.before.any", "an unknown cursor returns the first page", fault{before: at(listFights, retarget("before="+nilUUID, ""))}},
	}
}

func wrongLinks() []wrong {
	link := func(change func(link string) string) func(*exchange) {
		return at(listFights, func(e *exchange) {
			if e.status == http.StatusOK {
				e.response.Set("Link", change(e.response.Get("Link")))
			}
		})
	}
	return []wrong{
		{"list.link", "none", fault{after: at(listFights, dropHeader("Link"))}},
		{"list.link", "absolute", fault{after: link(func(link string) string { return strings.Replace(link, "</", "<http://127.0.0.1/", 1) })}},
		{"list.link", "always", fault{after: link(func(string) string { return `</api/fights?limit=3>; rel="next"` })}},
		{"list.link.last", "a next link on every full page", fault{after: at(listFights,
			whereTarget("limit=3&", setHeader("Link", `</api/fights?limit=3&before=`+nilUUID+`>; rel="next"`)))}},
		{"list.link.last", "no next link when one fight is left", fault{after: at(listFights, whereTarget("limit=3&", dropHeader("Link")))}},
		{"list.walk", "a link to the same page", fault{after: link(func(string) string { return `</api/fights?limit=3>; rel="next"` })}},
		{"list.walk", "a next link to a path that doesn't exist", fault{after: link(func(link string) string { return strings.Replace(link, "/api/", "/", 1) })}},
		{"list.walk", "a fight skipped", fault{before: at(listFights, query(func(q url.Values) {
			if q.Get("before") != "" && q.Get("limit") == "3" {
				q.Set("limit", "2")
			}
		}))}},
	}
}
