package suite

import (
	"crypto/rand"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"superheroes/conformance/openapi"
	"superheroes/conformance/rawhttp"
)

// writeClauses returns the clauses that need the administrator's token. Each clause deletes the entries it has
// created.
func writeClauses(r room) []Clause {
	clauses := []Clause{
		{ID: "write.create", Text: `“POST returns 201 with the entry and its path in Location”, and no id is used twice`, hold: r.writeCreate},
		{ID: "write.replace", Text: `“PUT and PATCH 200 with the entry”: fields missing from a PUT become empty`, hold: r.onEntry(r.writeReplace)},
		{ID: "write.patch", Text: `“PATCH changes some fields (a merge patch, RFC 7396: null empties a field)”`, hold: r.onEntry(r.writePatch)},
		{ID: "write.delete", Text: `“DELETE 204 without a body”, and the entry is then gone`, hold: r.writeDelete},
		{ID: "write.unknown", Text: `changing an entry that doesn't exist results in a 404: “an unknown id in a 404”`, hold: r.writeUnknown},
		{ID: "write.id.refused", Text: `“id not a plain decimal integer, below 1 or beyond int64”: “400 or 422 (one rule, documented), never 500”, and nothing is changed`, hold: r.onEntry(r.writeIDRefused)},
		{ID: "write.text", Text: `“Text is kept as sent: neither trimmed nor normalised, byte for byte, the same on every store”`, hold: r.onEntry(r.writeText)},
		{ID: "write.token", Text: `without the right token, “the response is 401 with WWW-Authenticate”, and nothing is changed`, hold: r.onEntry(r.writeToken)},
		{ID: "write.refused", Text: `invalid values result in “a 422 that names each invalid field”, and nothing is changed`, hold: r.onEntry(r.writeRefused)},
		{ID: "write.body", Text: `changes with a bad body are rejected: “body over 64 KiB”: 413, “body that is not JSON by its content type”: 415, malformed JSON: “400 or 422”`, hold: r.onEntry(r.writeBody)},
		{ID: "write.id", Text: `“POST rejects a body with an id”; PUT and PATCH reject an id other than the one in the path`, hold: r.onEntry(r.writeID)},
		{ID: "write.etag", Text: `responses to reads by id, and pictures, have an ETag, “a request with a matching If-None-Match gets a 304”, and a change results in a new ETag`, hold: r.onEntry(r.writeETag)},
		{ID: "write.if-match", Text: `with If-Match, “a change is made only if the entry still has that ETag; otherwise, the response is 412”`, hold: r.onEntry(r.writeIfMatch)},
		{ID: "write.if-match.once", Text: `exactly one of many concurrent changes with the same If-Match succeeds: “a change is made only if the entry still has that ETag”`, hold: r.onEntry(r.writeOnce)},
		{ID: "write.picks", Text: `a change affects picks “at once in the process that made it”: “a deleted entry is never picked”`, hold: r.writePicks},
	}
	clauses = append(clauses, guessClauses(r)...)
	clauses = append(clauses, Clause{ID: "write.sites", Text: `even with the token, “A browser's cross-site request that would store or change something is refused with 403”, and nothing is changed`, hold: r.onEntry(r.writeSites)})
	if r.singular == "location" {
		clauses = append(clauses, Clause{ID: "write.taken", Text: `“A duplicate location name results in a 409”, and nothing is changed`, hold: r.writeTaken})
	}
	return serviceClauses(r.service, Writes, clauses)
}

// change sends a request with the administrator's token, an optional body and additional header lines.
func (c *check) change(r room, method, target string, body any, header ...string) rawhttp.Answer {
	return c.do(r.service, c.asAdmin(method, target, body, header...))
}

func (c *check) asAdmin(method, target string, body any, header ...string) rawhttp.Call {
	call := rawhttp.Call{Method: method, Target: target, Header: "Authorization: Bearer " + c.token + "\r\n" + strings.Join(header, "")}
	switch body := body.(type) {
	case nil:
	case string:
		call.Body = body
	default:
		call.Body = encode(body)
	}
	return call
}

// sample returns an entry with a unique name and without an id.
func (r room) sample() object {
	name := "contract " + rand.Text()
	if r.singular == "location" {
		return object{"name": name, "description": "Made to be deleted.", "picture": "/p.svg", "type": "MOON"}
	}
	return object{"name": name, "otherName": "Nobody", "level": 7, "picture": "/p.svg", "powers": "Patience, Luck"}
}

// made is an entry that a clause has created.
type made struct {
	path   string
	id     int64
	answer rawhttp.Answer
	fields object // without the id
}

// create adds a sample. The caller must delete the new entry.
func (c *check) create(r room) made {
	m := made{fields: r.sample()}
	m.answer = c.change(r, http.MethodPost, r.path(), m.fields)
	c.require(m.answer.Status == http.StatusCreated, m.answer, "201")
	entry := c.object(m.answer)
	m.id = c.ids(m.answer, []object{entry})[0]
	m.path = r.one(m.id)
	return m
}

// onEntry returns a check that creates an entry, passes the entry to hold, and then deletes it.
func (r room) onEntry(hold func(*check, made)) func(*check) {
	return func(c *check) {
		m := c.create(r)
		defer c.remove(r, m)
		hold(c, m)
	}
}

// remove deletes an entry that a clause has created, and ignores any error.
func (c *check) remove(r room, m made) { c.change(r, http.MethodDelete, m.path, nil) }

// isEntry requires that a response is the entry with the given id and fields; all other fields must be empty.
func (c *check) isEntry(r room, a rawhttp.Answer, id int64, fields object) {
	want := object{"id": id}
	for _, field := range r.fields[1:] {
		want[field] = fields[field]
		if want[field] == nil && field == "level" {
			want[field] = 0
		} else if want[field] == nil {
			want[field] = ""
		}
	}
	var expected any
	if err := openapi.Decode([]byte(encode(want)), &expected); err != nil {
		panic(err) // unreachable: the suite itself encoded the text
	}
	c.require(reflect.DeepEqual(expected, any(c.object(a))), a, "%s", encode(want))
}

// changes returns the methods that send an entry, and the path for each method.
func (r room) changes(m made) map[string]string {
	return map[string]string{http.MethodPost: r.path(), http.MethodPut: m.path, http.MethodPatch: m.path}
}

// stored requires that an entry is stored with the given fields.
func (c *check) stored(r room, m made, fields object) {
	c.isEntry(r, c.get(r.service, m.path), m.id, fields)
}

func (r room) writeCreate(c *check) {
	first := c.create(r)
	defer c.remove(r, first)
	c.require(first.answer.Header.Get("Location") == first.path, first.answer, "Location: %s, not %q", first.path, first.answer.Header.Get("Location"))
	c.isEntry(r, first.answer, first.id, first.fields)
	c.stored(r, first, first.fields)
	second := c.create(r)
	defer c.remove(r, second)
	c.require(second.id != first.id, second.answer, "an id other than %d", first.id)
	list := c.objects(c.get(r.service, r.path()+"?after="+strconv.FormatInt(min(first.id, second.id)-1, 10)))
	for _, m := range []made{first, second} {
		c.require(r.has(list, c.object(m.answer)), m.answer, "an entry that the list now contains")
	}
}

func (r room) writeReplace(c *check, m made) {
	fields := r.sample()
	delete(fields, "picture")
	a := c.status(http.StatusOK, c.change(r, http.MethodPut, m.path, fields))
	c.isEntry(r, a, m.id, fields)
	c.stored(r, m, fields)
}

func (r room) writePatch(c *check, m made) {
	name := r.sample()["name"]
	for _, kind := range []string{"application/merge-patch+json", "application/json"} {
		a := c.status(http.StatusOK, c.change(r, http.MethodPatch, m.path,
			object{"name": name, "picture": nil, "unknown": object{"name": nil}}, "Content-Type: "+kind+"\r\n"))
		m.fields["name"], m.fields["picture"] = name, nil
		c.isEntry(r, a, m.id, m.fields)
		c.stored(r, m, m.fields)
	}
}

func (r room) writeDelete(c *check) {
	m := c.create(r)
	a := c.change(r, http.MethodDelete, m.path, nil)
	c.require(a.Status == http.StatusNoContent && len(a.Body) == 0, a, "204 without a body")
	c.notFound(r.service, m.path)
	c.notFound(r.service, m.path+"/picture.svg")
	again := c.change(r, http.MethodDelete, m.path, nil)
	c.require(again.Status == http.StatusNotFound, again, "404 for an entry already deleted")
}

func (r room) writeUnknown(c *check) {
	path := r.one(r.unknown(c))
	for method, body := range map[string]any{http.MethodPut: r.sample(), http.MethodPatch: object{}, http.MethodDelete: nil} {
		c.status(http.StatusNotFound, c.change(r, method, path, body))
	}
}

func (r room) writeIDRefused(c *check, m made) {
	for _, id := range badIDs(m.id) {
		for method, body := range map[string]any{http.MethodPut: r.sample(), http.MethodPatch: object{"name": "nobody"}, http.MethodDelete: nil} {
			c.rejected(c.change(r, method, r.path()+"/"+id, body))
		}
	}
	c.stored(r, m, m.fields)
}

func (r room) writeText(c *check, m made) {
	for _, sent := range texts() {
		m.fields["name"], m.fields["picture"] = sent, sent
		a := c.status(http.StatusOK, c.change(r, http.MethodPatch, m.path, object{"name": sent, "picture": sent}))
		c.isEntry(r, a, m.id, m.fields)
		c.stored(r, m, m.fields)
	}
}

func (r room) writeToken(c *check, m made) {
	for _, header := range []string{"", "Authorization: Bearer " + c.token + "x\r\n", "Authorization: Bearer \r\n",
		"Authorization: Basic " + c.token + "\r\n"} {
		wrong := strings.Contains(header, "Bearer "+c.token)
		for _, call := range []rawhttp.Call{
			{Method: http.MethodPost, Target: r.path(), Body: "{"},
			{Method: http.MethodPut, Target: m.path, Body: encode(r.sample())},
			{Method: http.MethodPatch, Target: m.path, Body: `{"name":"stolen"}`},
			{Method: http.MethodDelete, Target: m.path},
		} {
			call.Header = header
			a := c.do(r.service, call)
			// Other clients, or a previous run, may have used up the limit on wrong tokens.
			if wrong && a.Status == http.StatusTooManyRequests {
				continue
			}
			c.require(a.Status == http.StatusUnauthorized, a, "401")
			c.require(a.Header.Get("WWW-Authenticate") != "", a, "WWW-Authenticate")
		}
	}
	c.stored(r, m, m.fields)
}

func (r room) writeRefused(c *check, m made) {
	bad := object{"name": strings.Repeat("é", 51), "picture": strings.Repeat("p", 256), "level": -1,
		"otherName": strings.Repeat("o", 256), "type": "TOWN", "description": 5, "powers": []int{1}}
	for _, field := range r.fields[1:] {
		for _, value := range []any{bad[field], true} {
			fields := r.sample()
			fields[field] = value
			for method, target := range r.changes(m) {
				a := c.rejected(c.change(r, method, target, fields))
				c.names(a, field)
			}
		}
	}
	c.stored(r, m, m.fields)
}

func (r room) writeBody(c *check, m made) {
	good := encode(r.sample())
	for method, target := range r.changes(m) {
		for _, body := range []string{good[:len(good)-1], good + "x", `{"name":"a","name":"b"}`, "\xff", "[]", "null", strings.Repeat("[", 40)} {
			c.rejected(c.change(r, method, target, body))
		}
		c.status(http.StatusRequestEntityTooLarge, c.change(r, method, target, good+strings.Repeat(" ", maxBody)))
		c.status(http.StatusUnsupportedMediaType, c.change(r, method, target, good, "Content-Type: text/plain\r\n"))
	}
	c.stored(r, m, m.fields)
}

func (r room) writeID(c *check, m made) {
	for _, id := range []int64{m.id + 1, 1 << 50} {
		fields := r.sample()
		fields["id"] = id
		for method, target := range r.changes(m) {
			a := c.rejected(c.change(r, method, target, fields))
			c.names(a, "id")
		}
	}
	c.stored(r, m, m.fields)
	m.fields["id"] = m.id
	for _, method := range []string{http.MethodPut, http.MethodPatch} {
		c.status(http.StatusOK, c.change(r, method, m.path, m.fields))
	}
}

// tag returns the ETag of a response, which must be strong.
func (c *check) tag(a rawhttp.Answer) string {
	tag := a.Header.Get("ETag")
	c.require(len(tag) > 2 && strings.HasPrefix(tag, `"`) && strings.HasSuffix(tag, `"`), a, "a strong ETag, not %q", tag)
	return tag
}

func (r room) writeETag(c *check, m made) {
	for _, target := range []string{m.path, m.path + "/picture.svg"} {
		tag := c.tag(c.get(r.service, target))
		for _, known := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			a := c.do(r.service, rawhttp.Call{Target: target, Header: "If-None-Match: " + known + "\r\n"})
			c.require(a.Status == http.StatusNotModified && len(a.Body) == 0, a, "304 without a body")
		}
		a := c.do(r.service, rawhttp.Call{Target: target, Header: "If-None-Match: \"other\"\r\n"})
		c.require(a.Status == http.StatusOK && c.tag(a) == tag, a, "200 with the same ETag, %s", tag)
	}
	before := c.tag(c.get(r.service, m.path))
	c.require(c.tag(m.answer) == before, m.answer, "the same ETag as in a read: %s", before)
	changed := c.change(r, http.MethodPatch, m.path, `{"picture":"/other.svg"}`)
	after := c.get(r.service, m.path)
	c.require(c.tag(after) != before, after, "an ETag that differs from the one before the change")
	c.require(c.tag(changed) == c.tag(after), changed, "the same ETag as in a read: %s", c.tag(after))
}

func (r room) writeIfMatch(c *check, m made) {
	old := c.tag(m.answer)
	m.fields["picture"] = "/other.svg"
	a := c.status(http.StatusOK, c.change(r, http.MethodPatch, m.path, `{"picture":"/other.svg"}`, "If-Match: "+old+"\r\n"))
	tag := c.tag(a)
	for _, condition := range []string{old, `"other", ` + old, "W/" + tag} {
		for method, body := range map[string]any{http.MethodPut: r.sample(), http.MethodPatch: object{"picture": "/late.svg"}, http.MethodDelete: nil} {
			c.status(http.StatusPreconditionFailed, c.change(r, method, m.path, body, "If-Match: "+condition+"\r\n"))
		}
	}
	c.stored(r, m, m.fields)
	for _, condition := range []string{"*", `"other", ` + tag} {
		c.status(http.StatusOK, c.change(r, http.MethodPatch, m.path, object{}, "If-Match: "+condition+"\r\n"))
	}
}

func (r room) writeOnce(c *check, m made) {
	for _, picture := range []string{"/1.svg", "/2.svg", "/3.svg"} {
		tag := c.tag(c.get(r.service, m.path))
		made := 0
		answers := c.atOnce(8, r.service, c.asAdmin(http.MethodPatch, m.path, object{"picture": picture}, "If-Match: "+tag+"\r\n"))
		for _, a := range answers {
			c.require(a.Status == http.StatusOK || a.Status == http.StatusPreconditionFailed, a, "200 or 412")
			if a.Status == http.StatusOK {
				made++
			}
		}
		c.require(made == 1, answers[0], "exactly one 200 for %d concurrent changes, not %d", len(answers), made)
	}
}

func (r room) writePicks(c *check) {
	m := c.create(r)
	deleted := false
	defer func() {
		if !deleted {
			c.remove(r, m)
		}
	}()
	c.get(r.service, r.randomPath())
	c.status(http.StatusNoContent, c.change(r, http.MethodDelete, m.path, nil))
	deleted = true
	for range 50 {
		a := c.do(r.service, rawhttp.Call{Target: r.randomPath()})
		if a.Status == http.StatusNotFound {
			c.skip("the catalog of " + r.service + " is empty")
		}
		c.require(text(c.object(a), "name") != m.fields["name"], a, "any entry except the deleted one")
	}
}

func (r room) writeTaken(c *check) {
	m, other := c.create(r), c.create(r)
	defer c.remove(r, m)
	defer c.remove(r, other)
	fields := r.sample()
	fields["name"] = other.fields["name"]
	for method, target := range r.changes(m) {
		c.status(http.StatusConflict, c.change(r, method, target, fields))
	}
	c.stored(r, m, m.fields)
}
