package suite

import (
	"net/http"
	"strings"

	"superheroes/conformance/rawhttp"
)

func bodyRefusalClauses() []Clause {
	const rule = `: “400 or 422 (one rule, documented), never 500”`
	return []Clause{
		{ID: "post.required", Text: `“hero and villain are required objects with a name of 1-50”` + rule, hold: refuses(withoutFighters())},
		{ID: "post.location-name", Text: `“location may be missing or null, else it needs a name”` + rule, hold: refuses(badLocations())},
		{ID: "post.limits", Text: `“The entities' limits hold”` + rule, hold: refuses(beyondLimits())},
		{ID: "post.types", Text: `“a wrong type, 5.0 or 1e309 for an integer”` + rule, hold: refuses(wrongTypes())},
		{ID: "post.malformed", Text: `“malformed JSON, trailing data”` + rule, hold: refuses(malformed())},
		{ID: "post.duplicate", Text: `“duplicate keys”` + rule, hold: refuses(duplicates())},
		{ID: "post.too-deep", Text: `“nesting beyond 32”` + rule, hold: refuses([]string{nested(33), strings.Repeat("[", 10_000)})},
		{ID: "post.utf8", Text: `“invalid UTF-8, NUL or a lone surrogate in body, path or query”` + rule, hold: refuses(badText())},
		{ID: "post.too-large", Text: `“body over 64 KiB”: 413`, hold: tooLarge},
		{ID: "post.media-type", Text: `“body that is not JSON by its content type”: 415`, hold: wrongMediaType},
		{ID: "post.place", Text: `“validation errors name the place (body.hero.name)”`, hold: bodyPlace},
		{ID: "refused.documented", Text: `the status for a bad body, id or page is in the service's own /openapi.json: “400 or 422 (one rule, documented)”`, hold: fightRefusedDocumented},
		{ID: "id.refused", Text: `“malformed UUID”` + rule, hold: fightIDRefused},
		{ID: "list.refused", Text: `“bad paging”` + rule, hold: fightPageRefused},
		{ID: "text.refused", Text: `“invalid UTF-8, NUL or a lone surrogate in body, path or query”` + rule, hold: fightTextRefused},
	}
}

// refuses returns a check that posts each body as a fight and requires the service to reject it.
func refuses(bodies []string) func(*check) {
	return func(c *check) {
		for _, body := range bodies {
			c.refused("fights", post(body))
		}
	}
}

func hero(fields string) string { return `{"hero":{` + fields + `},"villain":{"name":"V"}}` }

func villain(fields string) string { return `{"hero":{"name":"H"},"villain":{` + fields + `}}` }

func location(value string) string {
	return `{"hero":{"name":"H"},"villain":{"name":"V"},"location":` + value + `}`
}

func withoutFighters() []string {
	return []string{
		"{}", `{"hero":{"name":"H"}}`, `{"villain":{"name":"V"}}`, `{"hero":null,"villain":{"name":"V"}}`, `{"hero":{"name":"H"},"villain":null}`,
		hero(``), villain(``), hero(`"name":""`), villain(`"name":""`), hero(`"name":null`), hero(`"name":"` + strings.Repeat("n", 51) + `"`),
		villain(`"name":"` + strings.Repeat("🦸", 51) + `"`), "null", "[]", `"text"`, "5",
	}
}

func badLocations() []string {
	return []string{location("{}"), location(`{"type":"CITY"}`), location(`{"name":""}`), location(`{"name":null}`),
		location(`"Gotham"`), location("[]"), location("false")}
}

func beyondLimits() []string {
	long := strings.Repeat("x", 256)
	return []string{
		hero(`"name":"H","otherName":"` + long + `"`), hero(`"name":"H","picture":"` + long + `"`), hero(`"name":"H","level":-1`), hero(`"name":"H","level":2147483648`),
		villain(`"name":"V","level":99999999999999999999`), villain(`"name":"V","picture":"` + long + `"`), hero(`"name":"H","id":0`), hero(`"name":"H","id":9223372036854775808`),
		location(`{"name":"` + long[:51] + `"}`), location(`{"name":"L","type":"TOWN"}`), location(`{"name":"L","type":"city"}`), location(`{"name":"L","picture":"` + long + `"}`),
	}
}

func wrongTypes() []string {
	var bodies []string
	for _, value := range []string{"5.0", "1e309", "1e2", `"5"`, "true", "[]", "{}"} {
		bodies = append(bodies, hero(`"name":"H","level":`+value), villain(`"name":"V","id":`+value))
	}
	for _, value := range []string{"5", "true", "[]", "{}"} {
		bodies = append(bodies, hero(`"name":`+value), hero(`"name":"H","powers":`+value), location(`{"name":"L","description":`+value+`}`))
	}
	return append(bodies, `{"hero":"H","villain":{"name":"V"}}`, `{"hero":[],"villain":{"name":"V"}}`)
}

func malformed() []string {
	return []string{
		"", " ", "{", plainFight[:20], plainFight[:len(plainFight)-1], plainFight + "}", plainFight + "x", plainFight + plainFight, plainFight + ",", "hello", "<fight/>", "hero=1",
		strings.ReplaceAll(plainFight, `"`, "'"), `{"hero":{"name":"H",},"villain":{"name":"V"}}`, "/* */" + plainFight,
		hero(`"name":"H","level":01`), hero(`"name":"H","level":NaN`),
	}
}

func duplicates() []string {
	return []string{
		`{"hero":{"name":"A"},` + plainFight[1:], hero(`"name":"A","name":"B"`), hero(`"name":"A","na\u006de":"B"`), villain(`"name":"A","level":1,"level":2`),
		`{"x":1,"x":2,` + plainFight[1:], location(`{"name":"L","type":"CITY","type":"MOON"}`),
	}
}

func badText() []string {
	return []string{
		hero("\"name\":\"\xff\""), hero("\"name\":\"\xc3\""), hero("\"name\":\"\xed\xa0\x80\""), hero("\"name\":\"H\",\"powers\":\"\xc0\xaf\""), "{\"x\":\"\xff\"," + plainFight[1:],
		hero(`"name":"a\u0000b"`), hero("\"name\":\"a\x00b\""), location(`{"name":"L","description":"\u0000"}`), hero(`"name":"\ud83d"`), hero(`"name":"\ude00\ud83d"`), villain(`"name":"V","powers":"\ud800"`),
	}
}

func tooLarge(c *check) {
	chunks := rawhttp.Call{
		Method: http.MethodPost, Target: "/api/fights",
		Header: "Content-Type: application/json\r\n", Body: plainFight + strings.Repeat(" ", maxBody),
	}
	for _, call := range []rawhttp.Call{post(filled(maxBody + 1)), chunks} {
		c.status(http.StatusRequestEntityTooLarge, c.do("fights", call))
	}
}

func wrongMediaType(c *check) {
	for _, kind := range []string{"text/plain", "text/html", "application/xml", "application/x-www-form-urlencoded",
		"application/octet-stream", "application/json; charset=iso-8859-1"} {
		call := post(plainFight)
		call.Header = "Content-Type: " + kind + "\r\n"
		c.status(http.StatusUnsupportedMediaType, c.do("fights", call))
	}
}

func bodyPlace(c *check) {
	for _, bad := range []struct{ body, place string }{
		{hero(``), "body.hero.name"}, {villain(`"name":5`), "body.villain.name"}, {hero(`"name":"H","level":-1`), "body.hero.level"},
		{location(`{"name":"L","type":"TOWN"}`), "body.location.type"}, {`{"hero":{"name":"H"}}`, "body.villain"},
	} {
		c.names(c.refused("fights", post(bad.body)), bad.place)
	}
}

func fightRefusedDocumented(c *check) {
	document := c.document("fights")
	for _, call := range []rawhttp.Call{post("{"), post("{}"), {Target: "/api/fights/abc"}, {Target: "/api/fights?limit=0"}} {
		a := c.refused("fights", call)
		method := http.MethodGet
		if call.Method != "" {
			method = call.Method
		}
		operation, _ := document.Operation(method, call.Target)
		c.require(operation.Documents(a.Status), a, "a status that /openapi.json documents for this path, not %d", a.Status)
	}
}

func fightIDRefused(c *check) {
	const id = "01890a5d-ac96-774b-bcce-b302099a8057"
	for _, bad := range []string{
		"1", "abc", strings.ReplaceAll(id, "-", ""), id[1:], id + "0", "g" + id[1:], "%7B" + id + "%7D", "urn:uuid:" + id, id + "%20",
		"507f1f77bcf86cd799439011", "0189-0a5dac96-774b-bcce-b302099a8057",
	} {
		c.refused("fights", rawhttp.Call{Target: "/api/fights/" + bad})
		c.refused("fights", rawhttp.Call{Target: "/api/fights?before=" + bad})
	}
}

func fightPageRefused(c *check) {
	for _, query := range []string{"limit=0", "limit=-1", "limit=101", "limit=abc", "limit=1.5", "limit=", "before=", "before=5"} {
		c.refused("fights", rawhttp.Call{Target: "/api/fights?" + query})
	}
}

func fightTextRefused(c *check) {
	for _, target := range []string{"/%FF", "/1%00", "/%ED%A0%80", "?before=%FF", "?before=%00", "?limit=%C3"} {
		c.refused("fights", rawhttp.Call{Target: "/api/fights" + target})
	}
}
