package behaviour

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/system"
)

// asAdmin is the header of a request that may change things.
const asAdmin = "Authorization: Bearer " + system.AdminToken + "\r\n"

// asPatch is the header of a merge patch.
const asPatch = asAdmin + "Content-Type: application/merge-patch+json\r\n"

// expect sends a request and fails the test unless the answer has that status.
func expect(t *testing.T, base string, c call, status int) answer {
	t.Helper()
	received := do(t, base, c)
	if received.status != status {
		t.Fatalf("%s %s %s: got %d %s, want %d", c.method, c.target, c.body, received.status, received.body, status)
	}
	return received
}

// sample is an entry without its id.
func (r room) sample(name string) map[string]any {
	if r.service == "locations" {
		return map[string]any{"name": name, "description": "d", "picture": "p", "type": "MOON"}
	}
	return map[string]any{"name": name, "otherName": "o", "level": 7, "picture": "p", "powers": "a, b"}
}

// entry is the JSON of an entry with exactly these values; what is missing is empty.
func (r room) entry(id int64, values map[string]any) string {
	text := `{"id":` + strconv.FormatInt(id, 10)
	for _, field := range r.fields[1:] {
		value := values[field]
		switch {
		case value == nil && field == "level":
			value = 0
		case value == nil:
			value = ""
		}
		text += `,"` + field + `":` + encode(value)
	}
	return text + "}"
}

func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // the test's own values can be encoded
	}
	return string(text)
}

// create posts an entry and returns its path and id.
func create(t *testing.T, base string, r room, values map[string]any) (path string, id int64) {
	t.Helper()
	created := expect(t, base, call{method: "POST", target: r.path(), header: asAdmin, body: encode(values)}, http.StatusCreated)
	id = idOf(t, created.body)
	path = r.path() + "/" + strconv.FormatInt(id, 10)
	if location := created.header.Get("Location"); location != path {
		t.Errorf("Location is %q, want %q", location, path)
	}
	if want := r.entry(id, values); !sameJSON(t, want, created.body) {
		t.Errorf("got %s, want %s", created.body, want)
	}
	noStore(t, created)
	if one := get(t, base, path); one.body != created.body || one.header.Get("ETag") != created.header.Get("ETag") || one.header.Get("ETag") == "" {
		t.Errorf("answered %s with %s, stored %s with %s", created.body, created.header.Get("ETag"), one.body, one.header.Get("ETag"))
	}
	return path, id
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	return cmp.Equal(read[any](t, a), read[any](t, b))
}

// testEdits goes through the life of entries. It leaves the catalogs as they were.
func testEdits(t *testing.T, s *system.System, answers answers) {
	for _, r := range rooms {
		base := s.URL(r.service)
		before := get(t, base, r.path()).body
		t.Run(r.service+" life", func(t *testing.T) { testLife(t, base, r, answers) })
		t.Run(r.service+" patches", func(t *testing.T) { testPatches(t, base, r) })
		t.Run(r.service+" conditions", func(t *testing.T) { testConditions(t, base, r) })
		t.Run(r.service+" one of many", func(t *testing.T) { testOneOfMany(t, base, r) })
		t.Run(r.service+" texts", func(t *testing.T) { testEditedTexts(t, base, r) })
		if after := get(t, base, r.path()).body; after != before {
			t.Errorf("the catalog of %s is not what it was", r.service)
		}
	}
}

func testLife(t *testing.T, base string, r room, answers answers) {
	path, id := create(t, base, r, r.sample("born"))
	t.Logf("the first new id is %d", id)
	list := get(t, base, r.path()+"?after="+strconv.FormatInt(id-1, 10))
	if !strings.Contains(list.body, `"name":"born"`) {
		t.Errorf("the list does not have it: %s", list.body)
	}
	whole := r.sample("replaced")
	delete(whole, "picture")
	replaced := expect(t, base, call{method: "PUT", target: path, header: asAdmin, body: encode(whole)}, http.StatusOK)
	if !sameJSON(t, r.entry(id, whole), replaced.body) {
		t.Errorf("PUT answered %s, want %s", replaced.body, r.entry(id, whole))
	}
	whole["id"], whole["unknown"] = id, []int{1}
	again := expect(t, base, call{method: "PUT", target: path, header: asAdmin, body: encode(whole)}, http.StatusOK)
	if again.body != replaced.body || again.header.Get("ETag") != replaced.header.Get("ETag") {
		t.Errorf("with its own id, and a field that nobody knows, it became %s", again.body)
	}
	patched := expect(t, base, call{method: "PATCH", target: path, header: asPatch, body: `{"name":"patched"}`}, http.StatusOK)
	if one := get(t, base, path); one.body != patched.body || one.header.Get("ETag") != patched.header.Get("ETag") {
		t.Errorf("PATCH answered %s, stored is %s", patched.body, one.body)
	}
	gone := expect(t, base, call{method: "DELETE", target: path, header: asAdmin}, http.StatusNoContent)
	if gone.body != "" {
		t.Errorf("DELETE answered %q", gone.body)
	}
	for _, c := range []call{
		{method: "GET", target: path}, {method: "GET", target: path + "/picture.svg"},
		{method: "DELETE", target: path, header: asAdmin}, {method: "DELETE", target: path, header: asAdmin + "If-Match: *\r\n"},
		{method: "PUT", target: path, header: asAdmin, body: encode(r.sample("x"))}, {method: "PATCH", target: path, header: asAdmin, body: "{}"},
	} {
		received := do(t, base, c)
		checkProblem(t, received, http.StatusNotFound, "there is no "+r.singular)
		answers.add(r.service+" gone "+c.method+c.header, received)
	}
	for name, received := range map[string]answer{"replaced": replaced, "patched": patched, "gone": gone} {
		answers.add(r.service+" "+name, received)
	}
}

// testPatches holds PATCH against RFC 7396.
func testPatches(t *testing.T, base string, r room) {
	path, id := create(t, base, r, r.sample("patchy"))
	defer expect(t, base, call{method: "DELETE", target: path, header: asAdmin}, http.StatusNoContent)
	values := r.sample("patchy")
	for _, c := range []struct {
		name, patch string
		change      map[string]any // nil empties
	}{
		{"nothing", `{}`, nil},
		{"a name", `{"name":"other"}`, map[string]any{"name": "other"}},
		{"the empty text", `{"picture":""}`, map[string]any{"picture": ""}},
		{"null", `{"picture":null}`, map[string]any{"picture": nil}},
		{"all that may be empty", `{"picture":null,"powers":null,"otherName":null,"level":null,"description":null}`,
			map[string]any{"picture": nil, "powers": nil, "otherName": nil, "level": nil, "description": nil}},
		{"unknown fields", `{"x":{"y":[null]},"NAME":"no","":5}`, nil},
		{"its own id", fmt.Sprintf(`{"id":%d}`, id), nil},
		{"several", `{"name":"back","picture":"http://x/y.png"}`, map[string]any{"name": "back", "picture": "http://x/y.png"}},
	} {
		for field, value := range c.change {
			values[field] = value
		}
		for _, header := range []string{asAdmin, asAdmin + "Content-Type: application/json; charset=utf-8\r\n", asPatch} {
			patched := expect(t, base, call{method: "PATCH", target: path, header: header, body: c.patch}, http.StatusOK)
			if want := r.entry(id, values); !sameJSON(t, want, patched.body) {
				t.Errorf("%s: got %s, want %s", c.name, patched.body, want)
			}
		}
	}
}

// testConditions holds the conditional headers against RFC 9110.
func testConditions(t *testing.T, base string, r room) {
	path, _ := create(t, base, r, r.sample("tagged"))
	defer expect(t, base, call{method: "DELETE", target: path, header: asAdmin}, http.StatusNoContent)
	for _, target := range []string{path, path + "/picture.svg"} {
		first := get(t, base, target)
		tag := first.header.Get("ETag")
		if !strings.HasPrefix(tag, `"`) || get(t, base, target).header.Get("ETag") != tag {
			t.Errorf("%s: the ETag is %s, and then another", target, tag)
		}
		for _, known := range []string{tag, "W/" + tag, "*", `"a", ` + tag} {
			same := do(t, base, call{target: target, header: "If-None-Match: " + known + "\r\n"})
			if same.status != http.StatusNotModified || same.body != "" || same.header.Get("ETag") != tag {
				t.Errorf("%s, If-None-Match %s: got %d %s", target, known, same.status, same.body)
			}
		}
		if other := do(t, base, call{target: target, header: "If-None-Match: \"a\"\r\n"}); other.body != first.body {
			t.Errorf("%s: another tag: got %d %s", target, other.status, other.body)
		}
	}
	old := get(t, base, path).header.Get("ETag")
	drawing := get(t, base, path+"/picture.svg").header.Get("ETag")
	changed := expect(t, base, call{method: "PATCH", target: path, header: asAdmin + "If-Match: " + old + "\r\n", body: `{"name":"tagged anew"}`}, http.StatusOK)
	tag := changed.header.Get("ETag")
	if tag == old || get(t, base, path+"/picture.svg").header.Get("ETag") == drawing {
		t.Error("a tag stayed although what it is the tag of has changed")
	}
	for _, condition := range []string{"If-Match: " + old, "If-Match: W/" + tag, `If-Match: "", "x,y"`, "If-None-Match: *", "If-None-Match: " + tag} {
		for _, c := range []call{
			{method: "PUT", body: encode(r.sample("never"))}, {method: "PATCH", body: `{"name":"never"}`}, {method: "DELETE"},
		} {
			c.target, c.header = path, asAdmin+condition+"\r\n"
			checkProblem(t, do(t, base, c), http.StatusPreconditionFailed, "the "+r.singular)
		}
	}
	if now := get(t, base, path); now.body != changed.body {
		t.Errorf("a change was made against its condition: %s", now.body)
	}
	for _, condition := range []string{"If-Match: *", "If-Match: \"x\", " + tag, "If-None-Match: \"x\""} {
		expect(t, base, call{method: "PATCH", target: path, header: asAdmin + condition + "\r\n", body: `{}`}, http.StatusOK)
	}
}

// testOneOfMany sends changes with the same If-Match at the same time: one is made.
func testOneOfMany(t *testing.T, base string, r room) {
	path, _ := create(t, base, r, r.sample("wanted"))
	defer expect(t, base, call{method: "DELETE", target: path, header: asAdmin}, http.StatusNoContent)
	const writers = 10
	for round := range 5 {
		tag := get(t, base, path).header.Get("ETag")
		statuses := make([]int, writers)
		var group sync.WaitGroup
		for i := range writers {
			group.Go(func() {
				c := call{method: "PATCH", target: path, header: asAdmin + "If-Match: " + tag + "\r\n", body: fmt.Sprintf(`{"picture":"%d by %d"}`, round, i)}
				statuses[i] = do(t, base, c).status
			})
		}
		group.Wait()
		made := 0
		for _, status := range statuses {
			switch status {
			case http.StatusOK:
				made++
			case http.StatusPreconditionFailed:
			default:
				t.Errorf("got %d", status)
			}
		}
		if made != 1 {
			t.Errorf("%d changes were made from one state", made)
		}
	}
}

// testEditedTexts keeps text as it was sent.
func testEditedTexts(t *testing.T, base string, r room) {
	path, _ := create(t, base, r, r.sample("text"))
	defer expect(t, base, call{method: "DELETE", target: path, header: asAdmin}, http.StatusNoContent)
	for name, text := range texts {
		changed := expect(t, base, call{method: "PATCH", target: path, header: asAdmin, body: encode(map[string]string{"name": text, "picture": text})}, http.StatusOK)
		var got struct{ Name, Picture string }
		if err := json.Unmarshal([]byte(changed.body), &got); err != nil || got.Name != text || got.Picture != text {
			t.Errorf("%s: %q became %s (%v)", name, text, changed.body, err)
		}
		if stored := get(t, base, path).body; stored != changed.body {
			t.Errorf("%s: answered %s, stored %s", name, changed.body, stored)
		}
	}
}
