package suite

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"superheroes/conformance/rawhttp"
)

func refusalClauses(r room) []Clause {
	return []Clause{
		{ID: "id.refused", Text: `“id not a plain decimal integer, below 1 or beyond int64”: “400 or 422 (one rule, documented), never 500”`, hold: r.idRefused},
		{ID: "text.refused", Text: `“invalid UTF-8, NUL or a lone surrogate in body, path or query”: “400 or 422 (one rule, documented), never 500”`, hold: r.textRefused},
		{ID: "refused.documented", Text: `the status for a bad id or page is in the service's own /openapi.json: “400 or 422 (one rule, documented)”`, hold: r.refusedDocumented},
		{ID: "refused.place", Text: `a rejected id or parameter is named: “validation errors name the place”`, hold: r.refusedPlace},
	}
}

// badIDs returns malformed and out-of-range ids, which must be rejected. A member that wrongly accepts such an id would
// read it either as the given id or as an id that no entry has.
func badIDs(id int64) []string {
	one := strconv.FormatInt(id, 10)
	arabic := strings.Map(func(digit rune) rune { return digit - '0' + '\u0660' }, one)
	return []string{"0", "-" + one, "+" + one, one + ".0", one + "e0", "abc", "0x" + strconv.FormatInt(id, 16),
		one + "_", "%20" + one, one + "%20", url.PathEscape(arabic), "9223372036854775808", strings.Repeat("9", 100)}
}

func (r room) idRefused(c *check) {
	for _, id := range badIDs(1) {
		c.refused(r.service, rawhttp.Call{Target: r.path() + "/" + id})
		c.refused(r.service, rawhttp.Call{Target: r.path() + "/" + id + "/picture.svg"})
	}
}

func (r room) textRefused(c *check) {
	for _, target := range []string{"/%FF", "/1%00", "/%C3%28", "/%ED%A0%80", "?name=%FF", "?name=a%00b", "?name=%ED%A0%80", "?name=%C3"} {
		c.refused(r.service, rawhttp.Call{Target: r.path() + target})
	}
}

func (r room) refusedDocumented(c *check) {
	document := c.document(r.service)
	for _, target := range []string{r.path() + "/0", r.path() + "?limit=0"} {
		a := c.refused(r.service, rawhttp.Call{Target: target})
		operation, _ := document.Operation(http.MethodGet, target)
		c.require(operation.Documents(a.Status), a, "a status that /openapi.json documents for this path, not %d", a.Status)
	}
}

func (r room) refusedPlace(c *check) {
	for _, bad := range []struct{ target, place string }{{"/abc", "id"}, {"?limit=0", "limit"}, {"?after=abc", "after"}} {
		a := c.refused(r.service, rawhttp.Call{Target: r.path() + bad.target})
		c.names(a, bad.place)
	}
}
