package behaviour

import (
	"net/http"
	"strings"
	"testing"

	"superheroes/test/system"
)

// refusal is an input that the contract refuses, with the whole of the answer's status and the place it must name.
type refusal struct {
	name    string
	service string
	call
	status int
	place  string // "" when there is none to name
}

// testRefusals sends every bad input: each is refused with a problem that shows nothing of the inside, nothing is
// stored, and the services still work.
func testRefusals(t *testing.T, s *system.System, answers answers) {
	cases, before := refusals(), count(t, s)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			received := do(t, s.URL(c.service), c.call)
			checkProblem(t, received, c.status, c.place)
			answers.add("refused "+c.name, received)
		})
	}
	if after := count(t, s); after != before {
		t.Errorf("there were %d fights, there are %d", before, after)
	}
	for _, r := range rooms {
		get(t, s.URL(r.service), r.random())
	}
	get(t, s.Fights, "/api/fights/execute_fight")
	t.Logf("%d bad inputs were tried", len(cases))
}

// inside are words that only the inside of the program knows.
var inside = []string{
	"goroutine", ".go:", "panic", "runtime error", "SELECT", "INSERT", "SQLSTATE", "sqlite", "pgx", "mysql", "mariadb", "mongo", "bson",
	"character.", "location.Location", "httpserver", "int32", "int64", "Go struct", "jsontext", "strconv", "net/http", "0x",
}

// checkProblem checks that an answer is a problem of that status, that names the place.
func checkProblem(t *testing.T, received answer, status int, at string) {
	t.Helper()
	if received.status != status {
		t.Fatalf("got %d, want %d: %.500s", received.status, status, received.body)
	}
	if got := received.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type is %q", got)
	}
	if received.header.Get("X-Request-Id") == "" {
		t.Error("there is no X-Request-Id")
	}
	p := read[problem](t, received.body)
	if p.Status != status || p.Title != http.StatusText(status) || p.Detail == "" {
		t.Errorf("got %s", received.body)
	}
	if !strings.HasPrefix(p.Detail, at) {
		t.Errorf("the detail does not name %s: %s", at, p.Detail)
	}
	if strings.Contains(at, ".") && (len(p.Errors) == 0 || p.Errors[0].Location != at || p.Errors[0].Message == "") {
		t.Errorf("errors does not name %s: %s", at, received.body)
	}
	for _, word := range inside {
		if strings.Contains(received.body, word) {
			t.Errorf("the answer has %q in it: %s", word, received.body)
		}
	}
}

func refusals() []refusal {
	cases := idRefusals()
	cases = append(cases, uuidRefusals()...)
	cases = append(cases, queryRefusals()...)
	cases = append(cases, pathRefusals()...)
	cases = append(cases, malformedBodies()...)
	cases = append(cases, refusedValues()...)
	cases = append(cases, refusedTypes()...)
	return append(cases, refusedTransfers()...)
}

func idRefusals() []refusal {
	var cases []refusal
	for _, r := range rooms {
		for name, id := range map[string]string{
			"a plus sign": "+1", "an escaped plus sign": "%2B1", "a minus sign": "-1", "zero": "0", "zeros": "000", "minus zero": "-0",
			"a fraction": "1.0", "a fraction without digits": "1.", "an exponent": "1e3", "hexadecimal": "0x1", "octal": "0o7", "binary": "0b1",
			"a blank before": "%201", "a blank behind": "1%20", "a tab": "1%09", "a line feed": "1%0A", "a no-break space": "%C2%A01", "only a blank": "%20",
			"an underscore": "1_000", "a comma": "1,000", "Arabic digits": "%D9%A1", "fullwidth digits": "%EF%BC%91", "a superscript": "%C2%B2", "a half": "%C2%BD",
			"2^63": "9223372036854775808", "2^64+1": "18446744073709551617", "300 digits": strings.Repeat("9", 300), "8,000 letters": strings.Repeat("a", 8000),
			"a word": "abc", "not a number": "NaN", "infinity": "Infinity", "null": "null", "SQL": "1%27%20OR%20%271%27=%271", "a comment": "1--", "a semicolon": "1;2",
			"an escaped slash": "1%2F2", "an escaped parent": "%2e%2e%2f1", "an emoji": "%F0%9F%98%80", "a combining mark": "1%CC%81", "a UUID": "01890a5d-ac96-774b-bcce-b302099a8057",
		} {
			cases = append(cases, refusal{r.service + " id: " + name, r.service, call{target: r.path() + "/" + id}, http.StatusUnprocessableEntity, "path.id"},
				refusal{r.service + " picture of id: " + name, r.service, call{target: r.path() + "/" + id + "/picture.svg"}, http.StatusUnprocessableEntity, "path.id"})
		}
		for name, id := range map[string]string{"NUL": "%00", "a digit and NUL": "1%00", "no UTF-8": "%FF", "UTF-8 broken off": "%C3", "overlong UTF-8": "%C0%B1", "a surrogate": "%ED%A0%80"} {
			cases = append(cases, refusal{r.service + " id: " + name, r.service, call{target: r.path() + "/" + id}, http.StatusUnprocessableEntity, "path:"})
		}
	}
	return cases
}

func uuidRefusals() []refusal {
	const id = "01890a5d-ac96-774b-bcce-b302099a8057"
	var cases []refusal
	for name, text := range map[string]string{
		"a number": "1", "a word": "abc", "without dashes": strings.ReplaceAll(id, "-", ""), "in braces": "%7B" + id + "%7D", "a URN": "urn:uuid:" + id,
		"a digit too few": id[1:], "a digit too many": id + "0", "a letter that is no digit": "g" + id[1:], "dashes elsewhere": "0189-0a5dac96-774b-bcce-b302099a8057",
		"a blank behind": id + "%20", "a line feed behind": id + "%0A", "a sign": "+" + id[1:], "an underscore": "0_" + id[2:], "only dashes": strings.Repeat("-", 36),
		"Arabic digits": "%D9%A1" + id[2:], "an ObjectID": "507f1f77bcf86cd799439011", "an operator": "%7B%22$gt%22:%22%22%7D", "very long": strings.Repeat("0", 4000),
	} {
		cases = append(cases, refusal{"fight id: " + name, "fights", call{target: "/api/fights/" + text}, http.StatusUnprocessableEntity, "path.id"},
			refusal{"before: " + name, "fights", call{target: "/api/fights?before=" + text}, http.StatusUnprocessableEntity, "query.before"})
	}
	for name, text := range map[string]string{"NUL": id + "%00", "no UTF-8": "%FF"} {
		cases = append(cases, refusal{"fight id: " + name, "fights", call{target: "/api/fights/" + text}, http.StatusUnprocessableEntity, "path:"})
	}
	return append(cases, refusal{"fight id: well-formed and unknown", "fights", call{target: "/api/fights/" + id}, http.StatusNotFound, "there is no fight"},
		refusal{"fight id: nil", "fights", call{target: "/api/fights/00000000-0000-0000-0000-000000000000"}, http.StatusNotFound, "there is no fight"},
		refusal{"fight id: of version 4", "fights", call{target: "/api/fights/9b2f7a52-6f0c-4a8e-9d5c-3c3e8f1f2a11"}, http.StatusNotFound, "there is no fight"})
}

func queryRefusals() []refusal {
	var cases []refusal
	add := func(service, query, place string) {
		cases = append(cases, refusal{service + " ?" + query, service, call{target: "/api/" + service + "?" + query}, http.StatusUnprocessableEntity, place})
	}
	for _, value := range []string{
		"0", "-1", "%2B1", "+1", "", "abc", "1.0", "1e2", "0x10", "%205", "5%20", "5%00", "%D9%A1", "9223372036854775808",
		"99999999999999999999", "1_0", "null", "true", "1&limit=1", "NaN", "1%27--",
	} {
		place := "query.limit"
		for _, service := range []string{"heroes", "villains", "locations", "fights"} {
			add(service, "limit="+value, place)
		}
	}
	add("fights", "limit=101", "query.limit")
	for _, service := range []string{"heroes", "villains", "locations"} {
		add(service, "limit=1001", "query.limit")
		for _, value := range []string{"-1", "abc", "", "1.5", "9223372036854775808", "%2B1", "1&after=2", "%20"} {
			add(service, "after="+value, "query.after")
		}
		for _, value := range []string{"%FF", "%00", "a%00b", "%C3%28", "%ED%A0%80", "a&name=b"} {
			add(service, "name="+value, "query.name")
		}
	}
	for _, query := range []string{"name=%zz", "name=%", "name=%4", "x=%zz", "%zz=1", "limit=5;after=1", "%FF=1", "%00=1"} {
		add("heroes", query, "query:")
		add("fights", query, "query:")
	}
	add("fights", "before=", "query.before")
	add("fights", "before=01890a5d-ac96-774b-bcce-b302099a8057&before=01890a5d-ac96-774b-bcce-b302099a8057", "query.before")
	add("fights", "limit=0&before=x", "query.limit")
	add("heroes", "limit=0&after=x&name=a&name=b", "query.limit")
	return cases
}

func pathRefusals() []refusal {
	var cases []refusal
	for _, path := range []string{
		"/", "/api", "/api/", "/api/hero", "/api/heroes/", "/api/heroes/1/", "/api/heroes/1/picture.png", "/api/heroes/1/picture.svg/",
		"/API/heroes", "/api/Heroes", "/api/villains", "/api/fights", "/favicon.ico", "/robots.txt", "/livez/", "/metrics", "/docs/nothing.js",
		"/docs/..%2f..%2fetc%2fpasswd", "/redoc/nothing.js", "/openapi", "/api/heroes%2F1", "/%F0%9F%98%80", "/api/heroes/1/2/3",
	} {
		cases = append(cases, refusal{"path " + path, "heroes", call{target: path}, http.StatusNotFound, ""})
	}
	for _, path := range []string{"/api/fights/", "/api/fights/execute_fight/", "/api/heroes", "/api/fights/count/1"} {
		cases = append(cases, refusal{"path " + path + " at fights", "fights", call{target: path}, http.StatusNotFound, ""})
	}
	for _, path := range []string{"/%00", "/%FF", "/docs/%00", "/api/%C3%28/1"} {
		cases = append(cases, refusal{"path " + path, "heroes", call{target: path}, http.StatusUnprocessableEntity, "path:"})
	}
	for _, r := range rooms {
		for _, id := range []string{"999999", "9007199254740993", "9223372036854775807"} {
			cases = append(cases, refusal{r.service + " id that nobody has: " + id, r.service, call{target: r.path() + "/" + id}, http.StatusNotFound, "there is no " + r.singular},
				refusal{r.service + " picture that nobody has: " + id, r.service, call{target: r.path() + "/" + id + "/picture.svg"}, http.StatusNotFound, "there is no " + r.singular})
		}
	}
	return cases
}
