package suite

import (
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"superheroes/conformance/openapi"
	"superheroes/conformance/rawhttp"
)

// tooLargeHeaders is a header size in bytes, well above the contract's 16 KiB because libraries accept a little more
// than the configured limit.
const tooLargeHeaders = 40 << 10

// server checks the clauses that apply to every service.
type server struct {
	service string
	getOnly string // a path that accepts only GET, so that other methods have no side effects
	bad     string // a target that is rejected as bad input
}

func serverClauses(service string, group Group, getOnly, bad string) []Clause {
	s := server{service, getOnly, bad}
	clauses := []Clause{
		{ID: "path.unknown", Text: `“not found, unknown path”: 404`, hold: s.pathUnknown},
		{ID: "method", Text: `“wrong method”: “405 with Allow”`, hold: s.method},
		{ID: "problem", Text: `“RFC 9457 application/problem+json, always with detail (the Python application's one field), title, status”`, hold: s.problem},
		{ID: "problem.inside", Text: `“Never a stack trace, an SQL text or a password”`, hold: s.problemInside},
		{ID: "headers", Text: `“headers 16 KiB”: larger ones get “a plain 400 or 431”`, hold: s.headers},
		{ID: "docs", Text: `/docs: “Swagger UI, ReDoc, OpenAPI 3.1; assets from the binary, no CDN”`, hold: func(c *check) { c.page(service, "/docs", "swagger") }},
		{ID: "redoc", Text: `/redoc: “Swagger UI, ReDoc, OpenAPI 3.1; assets from the binary, no CDN”`, hold: func(c *check) { c.page(service, "/redoc", "redoc") }},
		{ID: "openapi", Text: `/openapi.json: “OpenAPI 3.1”, with every operation of the contract`, hold: s.openapi},
		{ID: "openapi.yaml", Text: `/openapi.yaml: “OpenAPI 3.1”, the same operations`, hold: s.openapiYAML},
		{ID: "openapi.answers", Text: `every response of this run matches api/` + service + `.json: “same paths, same ports, same field names”`, hold: s.openapiAnswers},
		{ID: "livez", Text: `/livez: “200 while the process serves”`, hold: func(c *check) { c.get(service, "/livez") }},
		{ID: "readyz", Text: `/readyz: “200, or 503 naming what is missing”`, hold: func(c *check) { c.get(service, "/readyz") }},
		{ID: "healthz", Text: `/healthz: “200 / 503 like readyz; shows store, peers, profile, version”`, hold: s.healthz},
	}
	return serviceClauses(service, group, clauses, browserClauses(service))
}

func (s server) pathUnknown(c *check) {
	for _, path := range []string{"/api", "/api/" + s.service + "/1/2/3", "/api/no-such-service",
		"/no-such-page.html", "/docs/no-such-file.js", "/docs/..%2f..%2fetc%2fpasswd"} {
		c.notFound(s.service, path)
	}
}

func (s server) method(c *check) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, path := range []string{s.getOnly, "/livez"} {
			a := c.status(http.StatusMethodNotAllowed, c.do(s.service, rawhttp.Call{Method: method, Target: path}))
			allowed := strings.Split(strings.ReplaceAll(a.Header.Get("Allow"), " ", ""), ",")
			c.require(slices.Contains(allowed, http.MethodGet), a, "an Allow header that contains GET, not %q", a.Header.Get("Allow"))
		}
	}
}

// refusals returns one error response of each kind.
func (s server) refusals(c *check) []rawhttp.Answer {
	answers := []rawhttp.Answer{
		c.do(s.service, rawhttp.Call{Target: s.bad}),
		c.do(s.service, rawhttp.Call{Target: "/no-such-path"}),
		c.do(s.service, rawhttp.Call{Target: "/docs/no-such-file.js"}),
		c.do(s.service, rawhttp.Call{Target: "/%FF"}),
		c.do(s.service, rawhttp.Call{Method: http.MethodDelete, Target: s.getOnly}),
	}
	if s.service != "statistics" { // the only service without a limit parameter
		answers = append(answers, c.do(s.service, rawhttp.Call{Target: "/api/" + s.service + "?limit=0"}))
	}
	if s.service != "fights" {
		return answers
	}
	for _, body := range []string{"{", "{}", `{"hero":{"name":5},"villain":{"name":"V"}}`, "\xff", strings.Repeat(" ", maxBody+1)} {
		answers = append(answers, c.do(s.service, post(body)))
	}
	return append(answers, c.do(s.service, rawhttp.Call{Method: http.MethodPost, Target: "/api/fights", Header: "Content-Type: text/plain\r\n", Body: "{}"}))
}

func (s server) problem(c *check) {
	for _, a := range s.refusals(c) {
		c.require(a.Status >= 400 && a.Status < 500, a, "an error response, 4xx")
		kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
		c.require(kind == openapi.ProblemType, a, "content type %s", openapi.ProblemType)
		problem := c.object(a)
		status, ok := number(problem, "status")
		c.require(ok && int(status) == a.Status, a, "status %d in the body", a.Status)
		c.require(text(problem, "detail") != "", a, "detail in the body")
		c.require(text(problem, "title") != "", a, "title in the body")
	}
}

// problemInside requires that no error response contains a word that exposes the service's internals.
func (s server) problemInside(c *check) {
	words := []string{"goroutine ", ".go:", "runtime error", "Traceback", `File \"`, ".py", "java.", "Exception",
		"SELECT ", "INSERT ", "SQLSTATE", "sqlalchemy", "pymongo", "password", "superman:", "superfight:"}
	for _, a := range s.refusals(c) {
		for _, word := range words {
			c.require(!strings.Contains(string(a.Body), word), a, "no internals such as %q", word)
		}
	}
}

func (s server) headers(c *check) {
	line := "X-Filler: " + strings.Repeat("f", 1000) + "\r\n"
	call := rawhttp.Call{Target: "/livez", Header: strings.Repeat(line, tooLargeHeaders/len(line)+1)}
	a, err := c.try(s.service, call) // only the status counts: a server may reset the connection right after sending it
	if a.Status == 0 {
		c.fail(call.String(), err.Error(), "a response")
	}
	c.require(a.Status == http.StatusRequestHeaderFieldsTooLarge || a.Status == http.StatusBadRequest, a, "400 or 431")
}

// page requires an HTML page that contains the given text and loads all its assets from its own service.
func (c *check) page(service, target, want string) {
	a := c.get(service, target)
	c.require(strings.HasPrefix(a.Header.Get("Content-Type"), "text/html"), a, "content type text/html")
	c.require(strings.Contains(strings.ToLower(string(a.Body)), want), a, "a page with %s", want)
	assets := regexp.MustCompile(`<(?:script|link|img)\b[^>]*?\b(?:src|href)\s*=\s*["']?([^"'\s>]+)`).FindAllSubmatch(a.Body, -1)
	scripts := 0
	for _, match := range assets {
		asset := string(match[1])
		if strings.HasPrefix(asset, "data:") {
			continue
		}
		c.require(!strings.Contains(asset, "//"), a, "only its own assets, not %s", asset)
		if !strings.HasPrefix(asset, "/") {
			asset = path.Join(path.Dir(target), asset)
		}
		if loaded := c.get(service, asset); strings.Contains(loaded.Header.Get("Content-Type"), "javascript") {
			scripts++
		}
	}
	c.require(scripts > 0, a, "a script served by the service itself")
}

// document returns the service's own OpenAPI document.
func (c *check) document(service string) *openapi.Document {
	a := c.get(service, "/openapi.json")
	document, err := openapi.Parse(a.Body)
	c.require(err == nil, a, "an OpenAPI document (%v)", err)
	return document
}

func (s server) openapi(c *check) {
	a := c.get(s.service, "/openapi.json")
	document := c.document(s.service)
	c.require(strings.HasPrefix(document.Version, "3.1"), a, "OpenAPI 3.1, not %q", document.Version)
	for _, operation := range c.seen[s.service].document.Operations() {
		method, path, _ := strings.Cut(operation, " ")
		_, there := document.Operation(method, path)
		c.require(there, a, "%s among the paths", operation)
	}
}

func (s server) openapiYAML(c *check) {
	a := c.get(s.service, "/openapi.yaml")
	lines := strings.Split(string(a.Body), "\n")
	has := func(pattern string) bool { return slices.ContainsFunc(lines, regexp.MustCompile(pattern).MatchString) }
	c.require(has(`^["']?openapi["']?: *["']?3\.1`), a, "a line openapi: 3.1…")
	for _, operation := range c.seen[s.service].document.Operations() {
		_, path, _ := strings.Cut(operation, " ")
		c.require(has(`^ +["']?`+regexp.QuoteMeta(path)+`["']?:`), a, "a line for the path %s", path)
	}
}

// openapiAnswers requests one response of each kind, so that the clause is meaningful even when it runs alone.
func (s server) openapiAnswers(c *check) {
	s.refusals(c)
	targets := []string{"/api/" + s.service, "/livez", "/readyz", "/healthz", s.getOnly}
	if s.service == "fights" {
		fight := c.fight(plainFight)
		one := "/api/fights/" + text(fight.object, "id")
		targets = append(targets, one, one+"/narration", "/api/fights/count", "/api/fights/randomfighters", "/api/fights/randomlocation")
	}
	for _, r := range rooms() {
		if r.service != s.service {
			continue
		}
		list := c.some(r)
		first := r.one(c.ids(list.answer, list.entries)[0])
		targets = append(targets, first, first+"/picture.svg", r.path()+"/random", r.path()+"?limit=3&name=a")
	}
	for _, target := range targets {
		c.do(s.service, rawhttp.Call{Target: target})
	}
	c.seen[s.service].check(c, s.service)
}

func (s server) healthz(c *check) {
	a := c.get(s.service, "/healthz")
	health := c.object(a)
	c.part(a, health, "store")
	c.identity(a, health)
	if s.service != "fights" {
		return
	}
	peers := c.part(a, health, "peers")
	for _, r := range rooms() {
		c.part(a, peers, r.service)
	}
}

// identity requires that the health page names the profile and version, and adds them to the report.
func (c *check) identity(a rawhttp.Answer, health object) {
	for _, field := range []string{"profile", "version"} {
		c.require(text(health, field) != "", a, "%s in the response", field)
	}
	c.learned = fmt.Sprintf("profile %s, version %s", text(health, "profile"), text(health, "version"))
}

// names requires that a response contains the given word.
func (c *check) names(a rawhttp.Answer, word string) {
	c.require(regexp.MustCompile(`\b`+regexp.QuoteMeta(word)+`\b`).Match(a.Body), a, "a response that names %s", strconv.Quote(word))
}
