package behaviour

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"superheroes/test/system"
)

// testEditRefusals sends every bad change: each is refused as the contract says, and nothing is changed.
func testEditRefusals(t *testing.T, s *system.System, answers answers) {
	before := map[string]string{}
	for _, r := range rooms {
		before[r.service] = get(t, s.URL(r.service), r.path()).body
	}
	cases := editRefusals()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			received := do(t, s.URL(c.service), c.call)
			checkProblem(t, received, c.status, c.place)
			if challenge := received.header.Get("WWW-Authenticate"); (c.status == http.StatusUnauthorized) != strings.HasPrefix(challenge, "Bearer") {
				t.Errorf("WWW-Authenticate is %q", challenge)
			}
			answers.add("edit refused "+c.name, received)
		})
	}
	for _, r := range rooms {
		if after := get(t, s.URL(r.service), r.path()).body; after != before[r.service] {
			t.Errorf("the catalog of %s is not what it was", r.service)
		}
	}
	t.Logf("%d bad changes were tried", len(cases))
}

// edits are the changes that take a body.
func (r room) edits() []call {
	return []call{
		{method: "POST", target: r.path(), header: asAdmin},
		{method: "PUT", target: r.path() + "/1", header: asAdmin},
		{method: "PATCH", target: r.path() + "/1", header: asAdmin},
	}
}

// refused returns the refusal of an edit with this body.
func (c call) refused(r room, name, text string, status int, place string) refusal {
	c.body = text
	return refusal{r.service + " " + c.method + ": " + name, r.service, c, status, place}
}

func editRefusals() []refusal {
	var cases []refusal
	for _, r := range rooms {
		for _, edit := range r.edits() {
			cases = append(cases, editTransfers(r, edit)...)
			cases = append(cases, editTypes(r, edit)...)
			cases = append(cases, editLimits(r, edit)...)
			for _, malformed := range malformedBodies() {
				cases = append(cases, edit.refused(r, malformed.name, malformed.body, http.StatusBadRequest, "body"))
			}
		}
		cases = append(cases, editTokens(r)...)
		cases = append(cases, editConditions(r)...)
		for _, id := range []string{"0", "-1", "1.0", "abc", "9223372036854775808", "%D9%A1"} {
			for _, method := range []string{"PUT", "PATCH", "DELETE"} {
				c := call{method: method, target: r.path() + "/" + id, header: asAdmin}
				cases = append(cases, c.refused(r, "the id "+id, encode(r.sample("x")), http.StatusUnprocessableEntity, "path.id"))
			}
		}
	}
	taken := `{"name":"Gotham City","type":"CITY"}`
	for _, edit := range rooms[2].edits() {
		edit.target = strings.Replace(edit.target, "/1", "/2", 1)
		cases = append(cases, edit.refused(rooms[2], "a name that is taken", taken, http.StatusConflict, "body.name"))
	}
	return cases
}

func editTransfers(r room, edit call) []refusal {
	var cases []refusal
	good := encode(r.sample("x"))
	add := func(name, header, text string, status int, place string) {
		c := edit
		c.header += header
		cases = append(cases, c.refused(r, name, text, status, place))
	}
	long := `{"name":"` + strings.Repeat("n", maxBody) + `"}`
	add("too long", "", long, http.StatusRequestEntityTooLarge, "")
	add("too long, in chunks", inChunks, chunked(long), http.StatusRequestEntityTooLarge, "")
	add("too long by what it says", "Content-Length: 10000000000\r\n", "{", http.StatusRequestEntityTooLarge, "")
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "garbage;;;=", "multipart/form-data; boundary=x"} {
		add("content type "+contentType, "Content-Type: "+contentType+"\r\n", good, http.StatusUnsupportedMediaType, "")
	}
	if edit.method == "PATCH" {
		for _, contentType := range []string{"application/json-patch+json", "application/hal+json"} {
			add("content type "+contentType, "Content-Type: "+contentType+"\r\n", good, http.StatusUnsupportedMediaType, "")
		}
	}
	add("compressed", "Content-Encoding: gzip\r\n", good, http.StatusUnsupportedMediaType, "")
	for _, text := range []string{"null", "[]", `"text"`, "5", "true", `[{"name":"x"}]`} {
		add(text, "", text, http.StatusUnprocessableEntity, "body:")
	}
	return cases
}

// editTypes has values of a wrong type in every field.
func editTypes(r room, edit call) []refusal {
	var cases []refusal
	for _, field := range r.fields {
		values := []string{"true", "[]", "{}", "5", "5.0", "1e309"}
		if field == "id" || field == "level" {
			values = []string{"true", "[]", "{}", `"5"`, "5.0", "1.5", "1e2", "1e309", "-1e400", "9223372036854775808"}
		}
		for _, value := range values {
			text := fmt.Sprintf(`{"name":"N","type":"CITY",%q:%s}`, field, value)
			if field == "name" || field == "type" {
				text = fmt.Sprintf(`{%q:%s}`, field, value)
			}
			cases = append(cases, edit.refused(r, field+" is "+value, text, http.StatusUnprocessableEntity, "body."+field))
		}
	}
	return cases
}

// editLimits has values beyond every limit.
func editLimits(r room, edit call) []refusal {
	var cases []refusal
	add := func(field string, value any) {
		values := r.sample("N")
		values[field] = value
		name := fmt.Sprintf("%s is %.20v", field, value)
		cases = append(cases, edit.refused(r, name, encode(values), http.StatusUnprocessableEntity, "body."+field))
	}
	for _, id := range []int64{-1, 0, 2, 1 << 62} {
		add("id", id)
	}
	add("name", "")
	add("name", nil)
	add("name", strings.Repeat("é", 51))
	add("name", "a\x00b")
	add("picture", strings.Repeat("é", 256))
	add("picture", "\x00")
	if r.service == "locations" {
		for _, kind := range []any{nil, "", "city", "TOWN", "CITY "} {
			add("type", kind)
		}
		add("description", "\x00")
		return cases
	}
	add("level", -1)
	add("level", int64(1)<<31)
	add("otherName", strings.Repeat("é", 256))
	add("powers", "\x00")
	return cases
}

// editTokens come without the administrator's token. What else is wrong with them is not looked at. Those with a wrong one are
// few, as a service answers 429 to more than ten a minute.
func editTokens(r room) []refusal {
	var cases []refusal
	edits := append(r.edits(), call{method: "DELETE", target: r.path() + "/1"})
	add := func(edit call, name, header, text string) {
		edit.header = header
		cases = append(cases, edit.refused(r, name, text, http.StatusUnauthorized, ""))
	}
	for name, header := range map[string]string{
		"no token": "", "an empty line": "Authorization: \r\n", "no scheme": "Authorization: " + system.AdminToken + "\r\n",
		"Basic": "Authorization: Basic " + system.AdminToken + "\r\n", "the token twice": asAdmin + asAdmin,
	} {
		for _, edit := range edits {
			for body, text := range map[string]string{"": encode(r.sample("x")), ", a bad body": "{", ", too long": strings.Repeat(" ", maxBody+1)} {
				add(edit, name+body, header, text)
			}
		}
	}
	for _, edit := range edits {
		add(edit, "another token", "Authorization: Bearer x\r\n", encode(r.sample("x")))
		add(edit, "more than the token", "Authorization: Bearer "+system.AdminToken+"x\r\n", "{")
	}
	add(edits[0], "bytes", "Authorization: Bearer \xff\xfe\r\n", strings.Repeat(" ", maxBody+1))
	return cases
}

func editConditions(r room) []refusal {
	var cases []refusal
	for _, condition := range []string{"If-Match: abc", "If-Match: ", "If-Match: \"a", "If-Match: \"a\" \"b\"", "If-Match: *, \"a\"", "If-None-Match: abc", "If-Match: \xff"} {
		for _, edit := range append(r.edits()[1:], call{method: "DELETE", target: r.path() + "/1", header: asAdmin}) {
			edit.header += condition + "\r\n"
			place, _, _ := strings.Cut(condition, ":")
			cases = append(cases, edit.refused(r, condition, encode(r.sample("x")), http.StatusUnprocessableEntity, "header."+place))
		}
	}
	return cases
}
