package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/conformance/openapi"
	"superheroes/internal/app"
	"superheroes/internal/httpserver"
)

var update = flag.Bool("update", false, "regenerate the documents in api/")

// committedVersion is the version in the committed OpenAPI documents. The version is constant, so that the documents
// don't change with each build.
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

// openAPI holds the parts of an OpenAPI document that the tests use.
type openAPI struct {
	Paths map[string]map[string]struct {
		RequestBody *answer
		Responses   map[string]answer
	}
	Components struct{ Schemas openapi.Schemas }
}

// answer holds the fields that responses and request bodies have in common.
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

// checkUUIDs checks that all UUIDs in a document are version 7, which no schema can express.
func checkUUIDs(t *testing.T, text []byte) {
	t.Helper()
	for _, id := range regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).FindAll(text, -1) {
		if id[14] != '7' || !bytes.ContainsRune([]byte("89ab"), rune(id[19])) {
			t.Errorf("%s is not a version 7 UUID", id)
		}
	}
}

// Every success response in the OpenAPI documents has an example that matches its schema, and every error response is a
// problem document.
func TestDocumentsAnswers(t *testing.T) {
	for _, service := range []string{"heroes", "villains", "locations", "fights", "statistics"} {
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
					t.Errorf("the document never refers to the schema %s", name)
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
	case status < "400", route == "GET /healthz" && status == "503": // /healthz returns its state
		checkAnswer(t, schemas, route+" "+status, answer)
	case cmp.Diff(answer.Content[httpserver.ProblemType].Schema, map[string]any{"$ref": "#/components/schemas/Problem"}) != "":
		t.Errorf("the response %s %s is not a problem document", route, status)
	}
	if answer.Description == "" {
		t.Errorf("the response %s %s has no description", route, status)
	}
}

// checkAnswer checks that every content type of a response or request body has an example that matches its schema.
func checkAnswer(t *testing.T, schemas openapi.Schemas, place string, answer answer) {
	t.Helper()
	if len(answer.Content) == 0 {
		t.Errorf("%s has no content", place)
	}
	for kind, content := range answer.Content {
		if content.Example == nil {
			t.Errorf("%s has no example for the content type %s", place, kind)
			continue
		}
		for _, fault := range schemas.Faults(content.Schema, content.Example, place) {
			t.Errorf("example: %s", fault)
		}
	}
}

// checkReferences checks that every $ref resolves to a schema whose properties have matching examples.
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

// Every running service serves the committed OpenAPI document, except for the version, and its root leads to the page
// that shows the document. The conformance suite compares the responses with that document.
func TestServedDocuments(t *testing.T) {
	a, bases := up(t, "v9.8.7", upConfig(t))
	for _, at := range a.Endpoints() {
		t.Run(at.Service, func(t *testing.T) {
			var got map[string]any
			_, served := fetch(t, bases[at.Service]+"/openapi.json")
			if err := openapi.Decode([]byte(served), &got); err != nil {
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
			if _, page := fetch(t, bases[at.Service]+"/"); !strings.Contains(page, " - Swagger UI</title>") {
				t.Errorf("/ doesn't lead to the documentation: %s", page)
			}
		})
	}
}
