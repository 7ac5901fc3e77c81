package suite

import (
	"net/http"
	"strings"

	"superheroes/conformance/rawhttp"
)

func refusalClauses(r room) []Clause {
	return []Clause{
		{ID: "id.refused", Group: Full, Text: `“id not a plain decimal integer, below 1 or beyond int64”: “400 or 422 (one rule, documented), never 500”`, hold: r.idRefused},
		{ID: "text.refused", Group: Full, Text: `“invalid UTF-8, NUL or a lone surrogate in body, path or query”: “400 or 422 (one rule, documented), never 500”`, hold: r.textRefused},
		{ID: "refused.documented", Group: Full, Text: `what refuses an id and a page is in the service's own /openapi.json: “400 or 422 (one rule, documented)”`, hold: r.refusedDocumented},
		{ID: "refused.place", Group: Full, Text: `a refused id or parameter is named: “validation errors name the place”`, hold: r.refusedPlace},
	}
}

func (r room) idRefused(c *check) {
	for _, id := range []string{"0", "-1", "+1", "1.0", "1e3", "abc", "0x1", "1_0", "%201", "1%20", "%D9%A1", "9223372036854775808", strings.Repeat("9", 100)} {
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
		c.require(operation.Documents(a.Status), a, "a status that /openapi.json names for this path, not %d", a.Status)
	}
}

func (r room) refusedPlace(c *check) {
	for _, bad := range []struct{ target, place string }{{"/abc", "id"}, {"?limit=0", "limit"}, {"?after=abc", "after"}} {
		a := c.refused(r.service, rawhttp.Call{Target: r.path() + bad.target})
		c.names(a, bad.place)
	}
}
