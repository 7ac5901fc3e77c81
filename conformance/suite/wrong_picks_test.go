package suite

import (
	"slices"
	"strings"
)

func wrongPicks(r room) []wrong {
	picks, random, alias := "GET "+r.picksPath(), "GET "+r.randomPath(), "GET "+r.path()+"/random"
	return []wrong{
		{"picks", "parsed as an id", fault{before: at(picks, func(e *exchange) { e.target = r.path() + "/abc" })}},
		{"picks", "count is ignored", fault{before: at(picks, without("count"))}},
		{"picks", "one too few", fault{after: at(picks, inList(func(list []any) []any { return list[1:] }))}},
		{"picks", "an object instead of an array if count is missing", fault{after: at(picks+"?", func(e *exchange) { e.body = strings.Trim(e.body, "[]") })}},
		{"picks", "not in the list", fault{after: at(picks, inEach(func(_ int, o object) { o["name"] = "Nobody" }))}},
		{"picks", "may be cached", fault{after: at(picks, dropHeader("Cache-Control"))}},
		{"picks", "no age", fault{after: at(picks, dropHeader("X-Age-Ms"))}},
		{"picks", "too old", fault{after: at(picks, setHeader("X-Age-Ms", "1001"))}},
		{"picks.refused", "an excessive count is reduced instead of rejected", fault{before: at(picks, retarget("count=129", "count=128"))}},
		{"picks.refused", "0 treated as 1", fault{before: at(picks, retarget("count=0", "count=1"))}},
		{"picks.spread", "the same pick repeated within a response",
			fault{after: at(picks, inList(func(list []any) []any { return slices.Repeat(list[:1], len(list)) }))}},
		{"picks.old", "count is ignored", fault{before: at(random, without("count"))}},
		{"picks.old", "refused", fault{after: at(alias, whereTarget("count=", func(e *exchange) { e.answer(422, `{"detail":"query.count is not known"}`) }))}},
		{"picks.old", "always an array", fault{after: at(random+"?", func(e *exchange) { e.body = "[" + e.body + "]" })}},
		{"picks.old", "an excessive count is reduced instead of rejected", fault{before: at(random, retarget("count=129", "count=128"))}},
		{"picks.documented", "a random path documented with two kinds of response", fault{after: at("GET /openapi.json", inObject(func(o object) {
			get := operationOf(o, r.path()+"/random")
			content := get["responses"].(object)["200"].(object)["content"].(object)["application/json"].(object)
			content["schema"] = object{"oneOf": []any{content["schema"]}}
		}))}},
		{"picks.documented", "a random path documented with a count parameter", fault{after: at("GET /openapi.json", inObject(func(o object) {
			operationOf(o, r.randomPath())["parameters"] = []any{object{"name": "count", "in": "query"}}
		}))}},
		{"picks.documented", "not documented", fault{after: at("GET /openapi.json", replace(`"`+r.picksPath()+`"`, `"`+r.path()+`/choice"`))}},
	}
}

// operationOf returns the GET operation that a document describes for a path.
func operationOf(document object, path string) object {
	return document["paths"].(object)[path].(object)["get"].(object)
}
