package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2/yaml"
	"github.com/google/go-cmp/cmp"

	"superheroes/conformance/openapi"
	"superheroes/internal/app"
	"superheroes/internal/httpserver"
)

var update = flag.Bool("update", false, "write the documents in api/ anew")

// committedVersion is the version in the committed documents, so that they don't change with each build.
const committedVersion = "devel"

func committed(service string) string { return filepath.Join("..", "..", "api", service+".json") }

func TestCommittedDocuments(t *testing.T) {
	documents, err := app.Documents(committedVersion)
	if err != nil {
		t.Fatal(err)
	}
	for service, document := range documents {
		t.Run(service, func(t *testing.T) {
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, document, "", "  "); err != nil {
				t.Fatal(err)
			}
			pretty.WriteByte('\n')
			if *update {
				if err := os.WriteFile(committed(service), pretty.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			file, err := os.ReadFile(committed(service))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(file), pretty.String()); diff != "" {
				t.Errorf("api/%s.json is stale; update it with: go test ./internal/app -run Documents -update\n%s", service, diff)
			}
		})
	}
}

// contract returns every operation of every service with its possible statuses.
func contract() map[string]map[string]string {
	health := func(operations map[string]string) map[string]string {
		operations["GET /livez"] = "200 422 500"
		operations["GET /readyz"] = "200 422 500 503"
		operations["GET /healthz"] = "200 422 500 503"
		return operations
	}
	catalog := func(plural, singular string) map[string]string {
		base := "/api/" + plural
		return health(map[string]string{
			"GET " + base:                         "200 422 500 503",
			"GET " + base + "/{id}":               "200 304 404 422 500 503",
			"GET " + base + "/random_" + singular: "200 404 422 500 503",
			"GET " + base + "/random":             "200 404 422 500 503",
			"GET " + base + "/picks":              "200 422 500 503",
			"GET " + base + "/{id}/picture.svg":   "200 304 404 422 500 503",
			"POST " + base:                        "201 400 401 403 408 409 413 415 422 429 500 503",
			"PUT " + base + "/{id}":               "200 400 401 403 404 408 409 412 413 415 422 429 500 503",
			"PATCH " + base + "/{id}":             "200 400 401 403 404 408 409 412 413 415 422 429 500 503",
			"DELETE " + base + "/{id}":            "204 401 403 404 412 422 429 500 503",
		})
	}
	return map[string]map[string]string{
		"heroes":    catalog("heroes", "hero"),
		"villains":  catalog("villains", "villain"),
		"locations": catalog("locations", "location"),
		"fights": health(map[string]string{
			"GET /api/fights/randomfighters": "200 422 500 502 503 504",
			"GET /api/fights/randomlocation": "200 422 500 502 503 504",
			"GET /api/fights/execute_fight":  "200 403 422 500 502 503 504",
			"POST /api/fights":               "200 400 403 408 413 415 422 500 503",
			"GET /api/fights":                "200 422 500 503",
			"GET /api/fights/{id}":           "200 404 422 500 503",
			"GET /api/fights/count":          "200 422 500 503",
		}),
		"statistics": health(map[string]string{
			"GET /api/statistics":        "200 422 500 503",
			"GET /api/statistics/stream": "200 422 500 503",
		}),
	}
}

// openAPI is the part of an OpenAPI document that the tests use.
type openAPI struct {
	OpenAPI string
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID, Summary string
		RequestBody          *answer
		Responses            map[string]answer
	}
	Components struct{ Schemas openapi.Schemas }
}

// answer is the common part of a response and a request body.
type answer struct {
	Description string
	Content     map[string]struct {
		Schema  map[string]any
		Example any
	}
}

func readCommitted(t *testing.T, service string) (openAPI, any) {
	t.Helper()
	text, err := os.ReadFile(committed(service))
	if err != nil {
		t.Fatal(err)
	}
	var document openAPI
	var tree any
	if err := errors.Join(openapi.Decode(text, &document), openapi.Decode(text, &tree)); err != nil {
		t.Fatal(err)
	}
	checkUUIDs(t, text)
	return document, tree
}

// checkUUIDs checks that all UUIDs in a text have version 7, which no schema can express.
func checkUUIDs(t *testing.T, text []byte) {
	t.Helper()
	for _, id := range regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).FindAll(text, -1) {
		if id[14] != '7' || !bytes.ContainsRune([]byte("89ab"), rune(id[19])) {
			t.Errorf("%s is no UUID of version 7", id)
		}
	}
}

func TestDocumentsFollowContract(t *testing.T) {
	for service, want := range contract() {
		t.Run(service, func(t *testing.T) {
			document, _ := readCommitted(t, service)
			if !strings.HasPrefix(document.OpenAPI, "3.1.") {
				t.Errorf("openapi is %q, want 3.1", document.OpenAPI)
			}
			if document.Info.Version != committedVersion {
				t.Errorf("info.version is %q, want %q", document.Info.Version, committedVersion)
			}
			got, ids := map[string]string{}, map[string]string{}
			for path, operations := range document.Paths {
				for method, operation := range operations {
					route := strings.ToUpper(method) + " " + path
					got[route] = statuses(operation.Responses)
					if operation.Summary == "" || operation.OperationID == "" {
						t.Errorf("%s has no summary or no operationId", route)
					}
					if other, taken := ids[operation.OperationID]; taken {
						t.Errorf("%s and %s share the operationId %s", route, other, operation.OperationID)
					}
					ids[operation.OperationID] = route
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
		})
	}
}

func statuses(responses map[string]answer) string {
	var all []string
	for status := range responses {
		all = append(all, status)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// Every success has an example that matches its schema; every error is a problem.
func TestDocumentsAnswers(t *testing.T) {
	for service := range contract() {
		t.Run(service, func(t *testing.T) {
			document, tree := readCommitted(t, service)
			schemas := document.Components.Schemas
			for path, operations := range document.Paths {
				for method, operation := range operations {
					route := strings.ToUpper(method) + " " + path
					if operation.RequestBody != nil {
						checkAnswer(t, schemas, route+" body", *operation.RequestBody)
					}
					for status, answer := range operation.Responses {
						checkResponse(t, schemas, route, status, answer)
					}
				}
			}
			for name := range schemas {
				if !strings.Contains(fmt.Sprint(tree), "$ref:#/components/schemas/"+name+"]") {
					t.Errorf("nothing refers to the schema %s", name)
				}
			}
			checkReferences(t, schemas, tree)
		})
	}
}

func checkResponse(t *testing.T, schemas openapi.Schemas, route, status string, answer answer) {
	t.Helper()
	switch {
	case status == "204", status == "304":
		if len(answer.Content) > 0 {
			t.Errorf("%s %s has content", route, status)
		}
	case status < "400", route == "GET /healthz" && status == "503": // which shows the state in either case
		checkAnswer(t, schemas, route+" "+status, answer)
	case cmp.Diff(answer.Content[httpserver.ProblemType].Schema, map[string]any{"$ref": "#/components/schemas/Problem"}) != "":
		t.Errorf("%s %s is not a problem", route, status)
	}
	if answer.Description == "" {
		t.Errorf("%s %s has no description", route, status)
	}
}

// checkAnswer checks that each content type has an example that matches its schema.
func checkAnswer(t *testing.T, schemas openapi.Schemas, place string, answer answer) {
	t.Helper()
	if len(answer.Content) == 0 {
		t.Errorf("%s has no content", place)
	}
	for kind, content := range answer.Content {
		if content.Example == nil {
			t.Errorf("%s has no example of %s", place, kind)
			continue
		}
		for _, fault := range schemas.Faults(content.Schema, content.Example, place) {
			t.Errorf("example: %s", fault)
		}
	}
}

// checkReferences checks that every $ref resolves to a schema, and that the examples in that schema's properties
// match.
func checkReferences(t *testing.T, schemas openapi.Schemas, tree any) {
	t.Helper()
	switch node := tree.(type) {
	case map[string]any:
		if ref, isRef := node["$ref"].(string); isRef && schemas.Resolve(ref) == nil {
			t.Errorf("%s doesn't resolve", ref)
		}
		if examples, isList := node["examples"].([]any); isList {
			for _, example := range examples {
				for _, fault := range schemas.Faults(node, example, "schema") {
					t.Errorf("example: %s", fault)
				}
			}
		}
		for _, child := range node {
			checkReferences(t, schemas, child)
		}
	case []any:
		for _, child := range node {
			checkReferences(t, schemas, child)
		}
	}
}

// A running service serves the committed document, except for its version, and its responses match it.
func TestServedDocuments(t *testing.T) {
	a := app.New("v9.8.7", io.Discard)
	if err := a.Up(t.Context(), upConfig(t)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	for _, at := range a.Endpoints() {
		t.Run(at.Service, func(t *testing.T) {
			checkServedDocument(t, at)
			checkLiveAnswers(t, at)
		})
	}
}

func checkServedDocument(t *testing.T, at app.Endpoint) {
	t.Helper()
	served := ask(t, http.MethodGet, "http://"+at.Addr+"/openapi.json", "", "application/json")
	var got map[string]any
	if err := openapi.Decode(served, &got); err != nil {
		t.Fatal(err)
	}
	info := got["info"].(map[string]any)
	if info["version"] != "v9.8.7" {
		t.Errorf("info.version is %v", info["version"])
	}
	info["version"] = committedVersion
	_, want := readCommitted(t, at.Service)
	if diff := cmp.Diff(want, any(got)); diff != "" {
		t.Errorf("served document (-committed +served):\n%s", diff)
	}
	var asYAML bytes.Buffer
	if err := yaml.Convert(&asYAML, bytes.NewReader(served)); err != nil {
		t.Fatal(err)
	}
	inYAML := ask(t, http.MethodGet, "http://"+at.Addr+"/openapi.yaml", "", "application/yaml")
	if diff := cmp.Diff(asYAML.String(), string(inYAML)); diff != "" {
		t.Errorf("YAML (-of the JSON +served):\n%s", diff)
	}
}

// checkLiveAnswers checks responses against their schemas, including fights between fighters without ids.
func checkLiveAnswers(t *testing.T, at app.Endpoint) {
	t.Helper()
	document, _ := readCommitted(t, at.Service)
	schemas := document.Components.Schemas
	check := func(method, path, body string) {
		operation := document.Paths[path][strings.ToLower(method)]
		text := ask(t, method, "http://"+at.Addr+path, body, "application/json")
		var value any
		if err := openapi.Decode(text, &value); err != nil {
			t.Fatal(err)
		}
		checkUUIDs(t, text)
		for _, fault := range schemas.Faults(operation.Responses["200"].Content["application/json"].Schema, value, path) {
			t.Error(fault)
		}
	}
	if at.Service == "fights" {
		check(http.MethodPost, "/api/fights", `{"hero":{"name":"Yoda"},"villain":{"name":"Thanos"}}`)
		check(http.MethodPost, "/api/fights", `{"hero":{"name":"Yoda"},"villain":{"name":"Thanos"},"location":{"name":"Here"}}`)
	}
	for path := range document.Paths {
		if !strings.Contains(path, "{") && !strings.HasSuffix(path, "/stream") { // which does not end
			check(http.MethodGet, path, "")
		}
	}
	if at.Service == "fights" {
		check(http.MethodGet, "/api/fights", "") // after all of them
	}
}

// ask returns the body of a 200 of the given type.
func ask(t *testing.T, method, url, body, contentType string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != contentType {
		t.Fatalf("%s %s: %s, %s", method, url, response.Status, response.Header.Get("Content-Type"))
	}
	return text
}
