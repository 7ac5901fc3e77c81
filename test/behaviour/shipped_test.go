package behaviour

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/system"
)

// testShippedRoster holds the catalogs, as they are after a first start, against the contract.
func testShippedRoster(t *testing.T, s *system.System) {
	for _, room := range rooms {
		base := s.URL(room.service)
		t.Run(room.service+" list", func(t *testing.T) { testList(t, base, room) })
		t.Run(room.service+" one", func(t *testing.T) { testOne(t, base, room) })
		t.Run(room.service+" paging", func(t *testing.T) { testPaging(t, base, room) })
		t.Run(room.service+" random", func(t *testing.T) { testRandom(t, base, room) })
		t.Run(room.service+" picture", func(t *testing.T) { testPictures(t, base, room) })
	}
	t.Run("entries of the sample", func(t *testing.T) {
		for service, name := range map[string]string{"heroes": "Yoda", "villains": "Thanos", "locations": "Gotham City"} {
			list := get(t, s.URL(service), "/api/"+service+"?name="+url.QueryEscape(name)).body
			if !strings.Contains(list, `"name":"`+name+`"`) {
				t.Errorf("there is no %s", name)
			}
		}
	})
	for _, service := range services {
		t.Run(service+" documentation", func(t *testing.T) { testDocumentation(t, s.URL(service), service) })
		t.Run(service+" health", func(t *testing.T) { testHealth(t, s.URL(service), service) })
	}
}

// all returns the texts of a catalog's entries.
func all(t *testing.T, base string, r room) []string {
	t.Helper()
	return elements(t, get(t, base, r.path()).body)
}

// idOf returns the id of an entry.
func idOf(t *testing.T, entry string) int64 {
	t.Helper()
	var keyed struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal([]byte(entry), &keyed); err != nil {
		t.Fatalf("reading %.200s: %v", entry, err)
	}
	return keyed.ID
}

func testList(t *testing.T, base string, r room) {
	received := get(t, base, r.path())
	if got := received.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type: got %q", got)
	}
	entries := elements(t, received.body)
	if least := map[string]int{"heroes": 100, "villains": 100, "locations": 50}[r.service]; len(entries) < least {
		t.Errorf("got %d entries, want at least %d", len(entries), least)
	}
	last := int64(0)
	for _, entry := range entries {
		checkEntry(t, r, entry)
		if id := idOf(t, entry); id <= last {
			t.Errorf("id %d stands behind %d", id, last)
		} else {
			last = id
		}
	}
}

// checkEntry checks an entry's fields, their types and their limits.
func checkEntry(t *testing.T, r room, entry string) {
	t.Helper()
	if diff := cmp.Diff(r.fields, fields(t, entry)); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	var name, picture string
	if r.service == "locations" {
		place := read[location](t, entry)
		name, picture = place.Name, place.Picture
		if types := []string{"CITY", "PLANET", "PLACE", "ISLAND", "COUNTRY", "MOON"}; !slices.Contains(types, place.Type) {
			t.Errorf("%s has the type %q", name, place.Type)
		}
	} else {
		fighter := read[character](t, entry)
		name, picture = fighter.Name, fighter.Picture
		if fighter.Level < 0 || len([]rune(fighter.OtherName)) > 255 {
			t.Errorf("%s breaks a limit: %s", name, entry)
		}
	}
	if n := len([]rune(name)); n < 1 || n > 50 || len([]rune(picture)) > 255 {
		t.Errorf("%q breaks a limit: %s", name, entry)
	}
}

func testOne(t *testing.T, base string, r room) {
	for _, entry := range all(t, base, r)[:3] {
		if got := get(t, base, r.path()+"/"+strconv.FormatInt(idOf(t, entry), 10)).body; got != entry {
			t.Errorf("got %s, in the list it is %s", got, entry)
		}
	}
	if leading := get(t, base, r.path()+"/001").body; idOf(t, leading) != 1 {
		t.Errorf("001 is not 1: %s", leading)
	}
}

func testPaging(t *testing.T, base string, r room) {
	whole := all(t, base, r)
	middle := idOf(t, whole[9])
	for _, c := range []struct {
		name, query string
		want        []string
	}{
		{"a limit", "?limit=3", whole[:3]},
		{"a limit of one", "?limit=1", whole[:1]},
		{"the largest limit", "?limit=1000", whole},
		{"after an id", "?after=" + strconv.FormatInt(middle, 10), whole[10:]},
		{"after an id, limited", "?limit=7&after=" + strconv.FormatInt(middle, 10), whole[10:17]},
		{"after zero", "?after=0", whole},
		{"after the last", "?after=" + strconv.FormatInt(idOf(t, whole[len(whole)-1]), 10), nil},
		{"after the largest id there can be", "?after=9223372036854775807", nil},
		{"an empty name", "?name=", whole},
		{"a name that nobody has", "?name=nobody%20has%20this%20name", nil},
		{"an unknown parameter", "?colour=red", whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, elements(t, get(t, base, r.path()+c.query).body)); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("page by page", func(t *testing.T) {
		var walked []string
		for after := int64(0); ; after = idOf(t, walked[len(walked)-1]) {
			page := elements(t, get(t, base, r.path()+"?limit=17&after="+strconv.FormatInt(after, 10)).body)
			if walked = append(walked, page...); len(page) < 17 {
				break
			}
		}
		if diff := cmp.Diff(whole, walked); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
	})
}

func testRandom(t *testing.T, base string, r room) {
	whole := all(t, base, r)
	for _, path := range []string{r.random(), r.path() + "/random"} {
		drawn := map[string]bool{}
		for range 20 {
			received := get(t, base, path)
			if !slices.Contains(whole, received.body) {
				t.Fatalf("%s is not in the list: %s", path, received.body)
			}
			if got := received.header.Get("Cache-Control"); got != "no-store" {
				t.Fatalf("%s: Cache-Control is %q", path, got)
			}
			drawn[received.body] = true
		}
		if len(drawn) == 1 { // among 60 at least, by chance: once in 60 to the 19th
			t.Errorf("%s: 20 draws were all alike", path)
		}
	}
}

func testPictures(t *testing.T, base string, r room) {
	for _, entry := range all(t, base, r)[:12] {
		path := r.path() + "/" + strconv.FormatInt(idOf(t, entry), 10) + "/picture.svg"
		received := get(t, base, path)
		checkPicture(t, path, received)
		if again := get(t, base, path); again.body != received.body {
			t.Errorf("%s: two answers differ", path)
		}
	}
}

// checkPicture checks that an answer is an SVG that only draws.
func checkPicture(t *testing.T, path string, received answer) {
	t.Helper()
	if got := received.header.Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("%s: content type is %q", path, got)
	}
	decoder, root := xml.NewDecoder(strings.NewReader(received.body)), ""
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s is not well-formed: %v\n%s", path, err, received.body)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if root == "" {
			root = start.Name.Local
		}
		checkElement(t, path, start)
	}
	if root != "svg" {
		t.Errorf("%s: the root is %q", path, root)
	}
}

func checkElement(t *testing.T, path string, start xml.StartElement) {
	t.Helper()
	if slices.Contains([]string{"script", "foreignObject", "iframe", "image", "a"}, start.Name.Local) {
		t.Errorf("%s has an element %s", path, start.Name.Local)
	}
	for _, attribute := range start.Attr {
		name := strings.ToLower(attribute.Name.Local)
		outside := name == "href" && !strings.HasPrefix(attribute.Value, "#")
		if strings.HasPrefix(name, "on") || outside {
			t.Errorf("%s: <%s %s=%q>", path, start.Name.Local, name, attribute.Value)
		}
	}
}

func testDocumentation(t *testing.T, base, service string) {
	for path, contentType := range map[string]string{
		"/docs": "text/html", "/redoc": "text/html", "/redoc/redoc.js": "text/javascript",
		"/openapi.json": "application/json", "/openapi.yaml": "application/yaml",
	} {
		if got := get(t, base, path).header.Get("Content-Type"); !strings.HasPrefix(got, contentType) {
			t.Errorf("%s: content type is %q", path, got)
		}
	}
	var document struct {
		OpenAPI string                     `json:"openapi"`
		Paths   map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(get(t, base, "/openapi.json").body), &document); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(document.OpenAPI, "3.1.") || document.Paths["/api/"+service] == nil {
		t.Errorf("openapi is %q, with paths %d", document.OpenAPI, len(document.Paths))
	}
	if yaml := get(t, base, "/openapi.yaml").body; !strings.Contains(yaml, "openapi: 3.1.") {
		t.Errorf("the YAML begins with %.60s", yaml)
	}
}

func testHealth(t *testing.T, base, service string) {
	type part struct {
		Engine string `json:"engine"`
		Status string `json:"status"`
	}
	type health struct {
		Status  string          `json:"status"`
		Service string          `json:"service"`
		Version string          `json:"version"`
		Profile string          `json:"profile"`
		Store   part            `json:"store"`
		Peers   map[string]part `json:"peers"`
	}
	for _, path := range []string{"/livez", "/readyz", "/healthz"} {
		received := get(t, base, path)
		if got := read[health](t, received.body).Status; got != "ok" {
			t.Errorf("%s: status is %q", path, got)
		}
		if got := received.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: content type is %q", path, got)
		}
	}
	full := read[health](t, get(t, base, "/healthz").body)
	if full.Service != service || full.Version == "" || full.Profile != "eco" || full.Store.Engine == "" || full.Store.Status != "ok" {
		t.Errorf("got %+v", full)
	}
	var want map[string]part
	if service == "fights" {
		want = map[string]part{"heroes": {Status: "ok"}, "villains": {Status: "ok"}, "locations": {Status: "ok"}}
	}
	if diff := cmp.Diff(want, full.Peers); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
}
