package suite

import (
	"net/http"
	"strings"

	"superheroes/conformance/openapi"
	"superheroes/test/system"
)

func wrongWrites() []wrong {
	var all []wrong
	for _, r := range rooms() {
		all = append(all, wrongOf(r.service+".write", wrongEdits(r), wrongConditions(r), wrongEditRefusals(r), wrongGuesses(r))...)
	}
	list, one := "POST /api/locations", "PATCH /api/locations/*"
	return append(all,
		wrong{"locations.write.taken", "500 instead of 409", fault{after: at(one, turn(409, 500))}},
		wrong{"locations.write.taken", "duplicate names are accepted", fault{after: at(list, turn(409, 201))}})
}

func wrongEdits(r room) []wrong {
	list, one, random := r.path(), r.path()+"/*", "GET "+r.randomPath()
	post, put, patch, remove := "POST "+list, "PUT "+one, "PATCH "+one, "DELETE "+one
	return []wrong{
		{"create", "200 instead of 201", fault{after: at(post, turn(201, 200))}},
		{"create", "no Location", fault{after: at(post, dropHeader("Location"))}},
		{"create", "a field lost", fault{before: at(post, sentObject(func(o object) { delete(o, "picture") }))}},
		{"create", "not in the list", fault{after: at("GET "+list, func(e *exchange) { e.body = "[]" })}},
		{"replace", "as a patch", fault{before: at(put, func(e *exchange) { e.method = http.MethodPatch })}},
		{"replace", "acknowledged, not stored", fault{before: at(put, func(e *exchange) { e.answer(http.StatusOK, e.sent) })}},
		{"patch", "as a whole entry", fault{before: at(patch, func(e *exchange) { e.method = http.MethodPut })}},
		{"patch", "null is ignored", fault{before: at(patch, sentObject(func(o object) { delete(o, "picture") }))}},
		{"patch", "no merge patch", fault{after: func(e *exchange) {
			if e.header.Get("Content-Type") == "application/merge-patch+json" {
				e.answer(http.StatusUnsupportedMediaType, "{}")
			}
		}}},
		{"delete", "200 instead of 204", fault{after: at(remove, turn(204, 200))}},
		{"delete", "acknowledged, not done", fault{before: at(remove, func(e *exchange) { e.status, e.response = http.StatusNoContent, http.Header{} })}},
		{"delete", "204 for an entry already deleted", fault{after: at(remove, turn(404, 204))}},
		{"unknown", "200 for PUT of an unknown id", fault{after: at(put, turn(404, 200))}},
		{"text", "trimmed", fault{before: at(patch, replaceSent("  blanks at both ends  ", "blanks at both ends"))}},
		{"text", "normalised", fault{before: at(patch, replaceSent("e\u0301", "\u00e9"))}},
		{"text", "changed by the store", fault{after: at("GET "+one, replace("\ufeff", ""))}},
		{"picks", "a deleted entry", fault{after: deletedPicks(post, random)}},
	}
}

func wrongConditions(r room) []wrong {
	one := r.path() + "/*"
	patch, remove := "PATCH "+one, "DELETE "+one
	return []wrong{
		{"etag", "none", fault{after: at("GET "+one, dropHeader("ETag"))}},
		{"etag", "none for a picture", fault{after: at("GET "+one+"/picture.svg", dropHeader("ETag"))}},
		{"etag", "none for a change", fault{after: at(patch, dropHeader("ETag"))}},
		{"etag", "a weak one", fault{after: func(e *exchange) {
			if tag := e.response.Get("ETag"); tag != "" {
				e.response.Set("ETag", "W/"+tag)
			}
		}}},
		{"etag", "never changes", fault{after: func(e *exchange) {
			if e.response.Get("ETag") != "" {
				e.response.Set("ETag", `"1"`)
			}
		}}},
		{"etag", "never 304", fault{before: func(e *exchange) { e.header.Del("If-None-Match") }}},
		{"etag", "lists of ETags are ignored", fault{before: func(e *exchange) {
			if strings.Contains(e.header.Get("If-None-Match"), ",") {
				e.header.Del("If-None-Match")
			}
		}}},
		{"if-match", "ignored", fault{before: func(e *exchange) { e.header.Del("If-Match") }}},
		{"if-match", "ignored by DELETE", fault{before: at(remove, func(e *exchange) { e.header.Del("If-Match") })}},
		{"if-match", "compared weakly", fault{before: func(e *exchange) {
			e.header.Set("If-Match", strings.TrimPrefix(e.header.Get("If-Match"), "W/"))
			if e.header.Get("If-Match") == "" {
				e.header.Del("If-Match")
			}
		}}},
		{"if-match", "409 instead of 412", fault{after: turn(412, 409)}},
		{"if-match", "a star matches nothing", fault{before: func(e *exchange) {
			if e.header.Get("If-Match") == "*" {
				e.header.Set("If-Match", `"*"`)
			}
		}}},
		{"if-match.once", "two concurrent changes succeed", fault{before: at(patch, secondRegardless())}},
		{"if-match.once", "no concurrent change succeeds", fault{before: at(patch, func(e *exchange) {
			if e.header.Get("If-Match") != "" {
				e.header.Set("If-Match", `"other"`)
			}
		})}},
	}
}

func wrongEditRefusals(r room) []wrong {
	one := r.path() + "/*"
	return []wrong{
		{"token", "anybody may write", fault{before: func(e *exchange) { e.header.Set("Authorization", "Bearer "+system.AdminToken) }}},
		{"token", "anybody may delete", fault{before: at("DELETE "+one, func(e *exchange) { e.header.Set("Authorization", "Bearer "+system.AdminToken) })}},
		{"token", "no challenge", fault{after: dropHeader("WWW-Authenticate")}},
		{"token", "403 instead of 401", fault{after: turn(401, 403)}},
		{"token", "the body is checked before the token", fault{after: at("POST "+r.path(), turn(401, 400))}},
		{"token", "rejected, but done anyway", fault{before: at("PATCH "+one, func(e *exchange) {
			if e.header.Get("Authorization") == "" {
				e.header.Set("Authorization", "Bearer "+system.AdminToken)
			}
		}), after: at("PATCH "+one, func(e *exchange) {
			e.status = http.StatusUnauthorized
			e.response.Set("WWW-Authenticate", "Bearer")
		})}},
		{"refused", "truncated to fit", fault{before: replaceSent(strings.Repeat("é", 51), strings.Repeat("é", 50))}},
		{"refused", "no place named", fault{after: func(e *exchange) {
			if e.status == http.StatusUnprocessableEntity {
				e.body = `{"title":"Unprocessable Entity","status":422,"detail":"is invalid"}`
			}
		}}},
		{"refused", "types are guessed", fault{before: sentObject(func(o object) {
			for field, value := range o {
				if value == true {
					o[field] = "1"
				}
			}
			delete(o, "level")
		})}},
		{"body", "the last duplicate wins", fault{before: normalised}},
		{"body", "trailing spaces removed", fault{before: func(e *exchange) { e.sent = strings.TrimRight(e.sent, " ") }}},
		{"body", "any content type is accepted", fault{before: func(e *exchange) { e.header.Del("Content-Type") }}},
		{"id.refused", "merely not found", fault{after: at("DELETE "+one, turn(422, 404))}},
		{"id.refused", "a sign is accepted", fault{before: retarget("/+", "/")}},
		{"id", "dropped", fault{before: sentObject(func(o object) { delete(o, "id") })}},
		{"id", "dropped by a POST", fault{before: at("POST "+r.path(), sentObject(func(o object) { delete(o, "id") }))}},
		{"id", "always rejected", fault{before: at("PUT "+one, sentObject(func(o object) {
			if o["id"] != nil {
				o["id"] = -1
			}
		}))}},
	}
}

// secondRegardless removes If-Match from the second request with the same tag.
func secondRegardless() func(*exchange) {
	seen := map[string]int{}
	return func(e *exchange) {
		tag := e.header.Get("If-Match")
		if seen[tag]++; seen[tag] == 2 {
			e.header.Del("If-Match")
		}
	}
}

// sentObject changes the JSON object in the request body.
func sentObject(change func(object)) func(*exchange) {
	return func(e *exchange) {
		var value any
		if openapi.Decode([]byte(e.sent), &value) != nil {
			return
		}
		if o, is := value.(object); is {
			change(o)
			e.sent = encode(o)
		}
	}
}

// deletedPicks responds to requests for a random pick with the most recently created entry, even if it was deleted.
func deletedPicks(post, random string) func(*exchange) {
	last := ""
	return inTurn(
		at(post, func(e *exchange) { last = e.body }),
		at(random, func(e *exchange) {
			if last != "" {
				e.body = last
			}
		}))
}
