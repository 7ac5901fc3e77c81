package suite

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// wrong describes a faulty server and the clause that must fail for that server.
type wrong struct {
	clause, name string
	fault
}

func wrongCatalogs() []wrong {
	var all []wrong
	for _, r := range rooms() {
		all = append(all, wrongOf(r.service, wrongReads(r), wrongRandoms(r), wrongPicks(r), wrongGzip(r.path()), wrongPages(r),
			wrongNames(r), wrongRefusals(r))...)
	}
	return all
}

// wrongOf prefixes the clauses' ids with the service name.
func wrongOf(service string, lists ...[]wrong) []wrong {
	all := slices.Concat(lists...)
	for i := range all {
		all[i].clause = service + "." + all[i].clause
	}
	return all
}

// misspelled renames one field of an entry: otherName, or description if the entry is a location.
func misspelled(r room) func(*exchange) {
	if r.singular == "location" {
		return rename("description", "Description")
	}
	return rename("otherName", "othername")
}

func wrongReads(r room) []wrong {
	list, one := "GET "+r.path()+"?", "GET "+r.path()+"/*"
	all := []wrong{
		{"list", "ids as strings", fault{after: at(list, inEach(func(_ int, o object) { o["id"] = encode(o["id"]) }))}},
		{"list", "truncated", fault{after: at(list, func(e *exchange) { e.body = e.body[:len(e.body)/2] })}},
		{"list.order", "largest id first", fault{after: at(list, inList(reversed))}},
		{"list.order", "an entry twice", fault{after: at(list, inList(func(list []any) []any { return append(list[:1:1], list...) }))}},
		{"get", "another entry", fault{before: at("GET "+r.path()+"/[2-9]*", func(e *exchange) { e.target = r.path() + "/1" })}},
		{"get.same", "a misspelled field", fault{after: at(one, misspelled(r))}},
		{"get.same", "strings truncated to ten bytes", fault{after: at(one, inObject(func(o object) { o["picture"] = text(o, "picture")[:10] }))}},
		{"get.unknown", "200 instead of 404", fault{after: at(one, turn(404, 200))}},
		{"fields", "a field missing", fault{after: at(list, inEach(func(_ int, o object) { delete(o, "picture") }))}},
		{"fields", "a field too many", fault{after: at(list, inEach(func(_ int, o object) { o["createdAt"] = nil }))}},
		{"fields", "a misspelled field", fault{after: at(list, misspelled(r))}},
		{"fields", "null instead of a string", fault{after: at(list, inEach(func(i int, o object) {
			if i == 7 {
				o["picture"] = nil
			}
		}))}},
		{"fields", "a name of 51 characters", fault{after: at(list, inEach(func(_ int, o object) { o["name"] = strings.Repeat("n", 51) }))}},
	}
	if r.singular == "location" {
		return append(all,
			wrong{"fields", "an unknown type", fault{after: at(list, inEach(func(_ int, o object) { o["type"] = "TOWN" }))}},
			wrong{"name.unique", "a name twice", fault{after: at(list, inList(func(list []any) []any {
				list[1].(object)["name"] = list[0].(object)["name"]
				return list
			}))}})
	}
	return append(all, wrong{"fields", "a fractional level", fault{after: at(list, inEach(func(_ int, o object) { o["level"] = 1.5 }))}})
}

func reversed(list []any) []any {
	slices.Reverse(list)
	return list
}

func wrongRandoms(r room) []wrong {
	random, alias := "GET "+r.randomPath(), "GET "+r.path()+"/random"
	return []wrong{
		{"random", "not in the list", fault{after: at(random, set("name", "Nobody"))}},
		{"random.same", "a misspelled field", fault{after: at(random, misspelled(r))}},
		{"random.alias", "a misspelled field", fault{after: at(alias, misspelled(r))}},
		{"random.no-store", "may be cached", fault{after: at(random, dropHeader("Cache-Control"))}},
		{"random.no-store", "responses from the alias may be cached", fault{after: at(alias, setHeader("Cache-Control", "max-age=60"))}},
		{"random.spread", "every second response has the same entry", fault{after: at(random, everyOther())}},
		{"random.spread", "the first half only", fault{after: at(random, func(e *exchange) {
			e.body = strings.Replace(e.body, `"id":`+idIn(e.body), `"id":`+strconv.Itoa(atoi(idIn(e.body))/2+1), 1)
		})}},
	}
}

func idIn(body string) string {
	_, rest, _ := strings.Cut(body, `"id":`)
	id, _, _ := strings.Cut(rest, ",")
	return id
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func wrongPages(r room) []wrong {
	list := "GET " + r.path()
	return []wrong{
		{"page.limit", "not limited", fault{before: at(list, without("limit"))}},
		{"page.limit", "the largest allowed limit is reduced", fault{before: at(list, retarget("limit=1000", "limit=20"))}},
		{"page.after", "the first page again", fault{before: at(list, without("after"))}},
		{"page.after", "an entry lost between pages", fault{before: at(list, query(func(q url.Values) {
			if after := atoi(q.Get("after")); after > 0 {
				q.Set("after", strconv.Itoa(after+1))
			}
		}))}},
		{"page.after.any", "an unknown cursor returns the first page", fault{before: at(list, retarget("after=9223372036854775807", "after=0"))}},
		{"page.refused", "an excessive limit is reduced instead of rejected", fault{before: at(list, retarget("limit=1001", "limit=1000"))}},
		{"page.refused", "a negative cursor is accepted", fault{before: at(list, retarget("after=-1", "after=0"))}},
	}
}

func wrongNames(r room) []wrong {
	list := "GET " + r.path()
	filtered := func(keep func(name, part string) bool) func(*exchange) {
		return at(list, whereTarget("name=", func(e *exchange) {
			at, _ := url.Parse(e.target)
			part := at.Query().Get("name")
			inList(func(list []any) []any {
				return slices.DeleteFunc(list, func(o any) bool { return !keep(text(o.(object), "name"), part) })
			})(e)
		}))
	}
	accents := strings.NewReplacer("á", "a", "é", "e", "í", "i", "ó", "o", "ú", "u")
	return []wrong{
		{"name", "not filtered", fault{before: at(list, without("name"))}},
		{"name", "by the beginning only", fault{after: filtered(func(name, part string) bool { return strings.HasPrefix(folded(name), folded(part)) })}},
		{"name.case", "case sensitive", fault{after: filtered(strings.Contains)}},
		{"name.accents", "accents are ignored", fault{before: at(list, query(func(q url.Values) { q.Set("name", accents.Replace(q.Get("name"))) }))}},
		{"name.literal", "% matches anything", fault{before: at(list, retarget("name=%25", "x="))}},
		{"name.literal", "_ matches any letter", fault{before: at(list, retarget("name=_", "x="))}},
		{"name.page", "the cursor is ignored if there is a filter", fault{before: at(list, query(func(q url.Values) {
			if q.Has("name") {
				q.Del("after")
			}
		}))}},
		{"name.page", "the limit is applied before the filter", fault{after: at(list, func(e *exchange) {
			if strings.Contains(e.target, "limit=1&") && strings.Contains(e.target, "name=") {
				e.body = "[]"
			}
		})}},
	}
}

func wrongRefusals(r room) []wrong {
	one, picture := "GET "+r.path()+"/*", "GET "+r.path()+"/*/picture.svg"
	return []wrong{
		{"picture", "as plain text", fault{after: at(picture, setHeader("Content-Type", "text/plain"))}},
		{"picture", "the same picture for all entries", fault{after: at(picture, func(e *exchange) { e.body = `<svg xmlns="http://www.w3.org/2000/svg"/>` })}},
		{"picture", "broken XML", fault{after: at(picture, replace("</svg>", ""))}},
		{"picture.unknown", "200 with a picture", fault{after: at(picture, turn(404, 200))}},
		{"id.refused", "a sign is accepted", fault{before: at(one, retarget("/+1", "/1"))}},
		{"id.refused", "spaces are trimmed", fault{before: retarget("%20", "")}},
		{"id.refused", "404 for 0", fault{before: at(one, func(e *exchange) {
			if strings.HasSuffix(e.target, "/0") {
				e.target = r.path() + "/999999"
			}
		})}},
		{"text.refused", "bad UTF-8 replaced", fault{before: retarget("=%FF", "=%EF%BF%BD")}},
		{"text.refused", "merely not found", fault{after: at(one, turn(422, 404))}},
		{"refused.documented", "not documented", fault{after: at("GET /openapi.json", replace(`"422"`, `"418"`))}},
		{"refused.place", "no place named", fault{after: func(e *exchange) {
			if e.status == http.StatusUnprocessableEntity {
				e.body = `{"title":"Unprocessable Entity","status":422,"detail":"is invalid"}`
			}
		}}},
	}
}

func wrongServers() []wrong {
	var all []wrong
	for _, service := range []string{"heroes", "villains", "locations", "fights"} {
		all = append(all, wrongOf(service, wrongServer(service), wrongBeforeBrowsers(), wrongProtocol("GET /api/"+service))...)
	}
	all = append(all, wrong{"fights.chunked.stored", "the connection stays open", fault{keeps: true}})
	return all
}

func wrongServer(service string) []wrong {
	refusals := func(change func(*exchange)) func(*exchange) {
		return func(e *exchange) {
			if e.status >= 400 {
				change(e)
			}
		}
	}
	return []wrong{
		{"path.unknown", "a page for everything", fault{after: at("GET /no-such-page.html", turn(404, 200))}},
		{"path.unknown", "a local file", fault{after: at("GET /docs/*", turn(404, 200))}},
		{"method", "no Allow", fault{after: dropHeader("Allow")}},
		{"method", "Allow of another method", fault{after: refusals(setHeader("Allow", "PATCH"))}},
		{"method", "404 instead of 405", fault{after: turn(405, 404)}},
		{"method", "any method is accepted", fault{before: func(e *exchange) { e.method = "GET" }}},
		{"problem", "as plain JSON", fault{after: refusals(setHeader("Content-Type", "application/json"))}},
		{"problem", "without a title", fault{after: refusals(rename("title", "name"))}},
		{"problem", "without detail", fault{after: refusals(rename("detail", "message"))}},
		{"problem", "a different status in the body", fault{after: refusals(replace(`"status":4`, `"status":5`))}},
		{"problem", "200 for everything", fault{after: refusals(func(e *exchange) { e.status = 200 })}},
		{"problem.inside", "a stack trace", fault{after: refusals(replace(`"detail":"`, `"detail":"goroutine 1 [running]: `))}},
		{"headers", "64 KiB of headers is accepted", fault{headers: 64 << 10, before: func(e *exchange) { e.header.Del("X-Filler") }}},
		{"docs", "from a CDN", fault{after: at("GET /docs", replace(`src="`, `src="https://cdn.example`))}},
		{"docs", "the viewer's script is missing", fault{after: at("GET /docs/*", turn(200, 404))}},
		{"redoc", "from a CDN", fault{after: at("GET /redoc", replace(`src="`, `src="//cdn.example`))}},
		{"redoc", "another viewer", fault{before: at("GET /redoc", func(e *exchange) { e.target = "/docs" })}},
		{"openapi", "3.0", fault{after: at("GET /openapi.json", replace(`"3.1.0"`, `"3.0.3"`))}},
		{"openapi", "a path missing", fault{after: at("GET /openapi.json", replace(`"/readyz"`, `"/ready"`))}},
		{"openapi.yaml", "3.0", fault{after: at("GET /openapi.yaml", replace(`openapi: 3.1`, `openapi: 3.0`))}},
		{"openapi.yaml", "JSON instead of YAML", fault{before: at("GET /openapi.yaml", func(e *exchange) { e.target = "/openapi.json" })}},
		{"openapi.answers", "an undocumented field", fault{after: at("GET /healthz", set("uptime", 5))}},
		{"openapi.answers", "an undocumented value", fault{after: at("GET /livez", set("status", "fine"))}},
		{"openapi.answers", "a field missing", fault{after: at("GET /api/"+service+"?",
			inEach(func(_ int, o object) { delete(o, "name"); delete(o, "hero") }))}},
		{"openapi.answers", "wrong media type", fault{after: at("GET /readyz", setHeader("Content-Type", "text/plain"))}},
		{"openapi.answers", "an undocumented status", fault{after: at("GET /api/"+service, turn(422, 418))}},
		{"livez", "503", fault{after: at("GET /livez", turn(200, 503))}},
		{"readyz", "503", fault{after: at("GET /readyz", turn(200, 503))}},
		{"healthz", "no version", fault{after: at("GET /healthz", drop("version"))}},
		{"healthz", "no store", fault{after: at("GET /healthz", drop("store"))}},
	}
}
