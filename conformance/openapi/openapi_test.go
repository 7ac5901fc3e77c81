package openapi

import (
	"strings"
	"testing"

	"superheroes/api"
)

const document = `{"openapi":"3.1.0","paths":{
  "/heroes/{id}":{"summary":"x","get":{"responses":{
    "200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Hero"}}}},
    "404":{"content":{"application/problem+json":{"schema":{"$ref":"#/components/schemas/Problem"}}}}}}},
  "/heroes/random":{"get":{"responses":{"200":{"content":{"application/json":{"schema":{"oneOf":[{"$ref":"#/components/schemas/Hero"},{"type":"null"}]}}}}}}},
  "/heroes":{"get":{"responses":{"2XX":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Hero"}}}}}}}},
  "/picture":{"get":{"responses":{"default":{"content":{"image/svg+xml":{"schema":{"type":"string"}}}}}}}},
 "components":{"schemas":{
  "Problem":{"type":"object","required":["detail"],"properties":{"detail":{"type":"string"}}},
  "Hero":{"type":"object","required":["name"],"additionalProperties":false,"properties":{
    "id":{"type":["integer","null"],"minimum":1,"maximum":9,"format":"int64"},
    "name":{"type":"string","minLength":1,"maxLength":3},
    "team":{"enum":["heroes","villains",null]},
    "date":{"type":"string","format":"date-time"},
    "key":{"type":"string","format":"uuid"},
    "level":{"type":"integer","format":"int32"},
    "rate":{"type":"number","format":"double"},
    "peers":{"type":"object","additionalProperties":{"type":"boolean"}},
    "odd":{"multipleOf":2},
    "mail":{"type":"string","format":"email"},
    "lost":{"$ref":"#/components/schemas/Lost"}}}}}}`

func TestFaults(t *testing.T) {
	d, err := Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		target      string
		status      int
		contentType string
		body        string
		fault       string // substring of the expected fault, "" if none is expected
	}{
		"valid, with all fields":                 {"/heroes/1", 200, "application/json", `{"id":1,"name":"Bo","team":"heroes","date":"2026-01-02T15:04:05.1Z","level":2147483647,"rate":0.5,"peers":{"a":true}}`, ""},
		"with a charset":                         {"/heroes/1", 200, "application/json; charset=utf-8", `{"name":"Bo"}`, ""},
		"null, allowed":                          {"/heroes/1", 200, "application/json", `{"id":null,"name":"Bo","team":null}`, ""},
		"null, not allowed":                      {"/heroes/1", 200, "application/json", `{"name":null}`, "breaks type"},
		"a required field is missing":            {"/heroes/1", 200, "application/json", `{"id":1}`, "lacks name"},
		"an undocumented field":                  {"/heroes/1", 200, "application/json", `{"name":"Bo","age":5}`, "field age"},
		"not an integer":                         {"/heroes/1", 200, "application/json", `{"name":"Bo","id":1.5}`, "breaks type"},
		"an integer written as 1.0":              {"/heroes/1", 200, "application/json", `{"name":"Bo","id":1.0}`, "breaks type"},
		"too small":                              {"/heroes/1", 200, "application/json", `{"name":"Bo","id":0}`, "breaks minimum"},
		"too large":                              {"/heroes/1", 200, "application/json", `{"name":"Bo","id":10}`, "breaks maximum"},
		"beyond int32":                           {"/heroes/1", 200, "application/json", `{"name":"Bo","level":2147483648}`, "int32"},
		"beyond int64":                           {"/heroes/1", 200, "application/json", `{"name":"Bo","id":9223372036854775808}`, "int64"},
		"beyond double":                          {"/heroes/1", 200, "application/json", `{"name":"Bo","rate":1e309}`, "double"},
		"too short":                              {"/heroes/1", 200, "application/json", `{"name":""}`, "minLength"},
		"maxLength counts characters, not bytes": {"/heroes/1", 200, "application/json", `{"name":"ééé"}`, ""},
		"too long":                               {"/heroes/1", 200, "application/json", `{"name":"Yoda"}`, "maxLength"},
		"not in the enum":                        {"/heroes/1", 200, "application/json", `{"name":"Bo","team":"neutral"}`, "breaks enum"},
		"not a date":                             {"/heroes/1", 200, "application/json", `{"name":"Bo","date":"today"}`, "date-time"},
		"not a UUID":                             {"/heroes/1", 200, "application/json", `{"name":"Bo","key":"507f1f77bcf86cd799439011"}`, "uuid"},
		"a wrong value in a nested object":       {"/heroes/1", 200, "application/json", `{"name":"Bo","peers":{"a":1}}`, "body.peers.a"},
		"an unknown keyword":                     {"/heroes/1", 200, "application/json", `{"name":"Bo","odd":4}`, "multipleOf is not supported"},
		"an unknown format":                      {"/heroes/1", 200, "application/json", `{"name":"Bo","mail":"a@b"}`, "email is not supported"},
		"a broken reference":                     {"/heroes/1", 200, "application/json", `{"name":"Bo","lost":1}`, "no schema"},
		"not JSON":                               {"/heroes/1", 200, "application/json", `{"name":`, "not JSON"},
		"more than one value":                    {"/heroes/1", 200, "application/json", `{"name":"Bo"} {}`, "not JSON"},
		"wrong media type":                       {"/heroes/1", 200, "text/plain", `{"name":"Bo"}`, "content type"},
		"a problem":                              {"/heroes/1", 404, "application/problem+json", `{"detail":"no"}`, ""},
		"a problem as JSON":                      {"/heroes/1", 404, "application/json", `{"detail":"no"}`, "content type"},
		"an undocumented status":                 {"/heroes/1", 409, "application/problem+json", `{"detail":"no"}`, "409"},
		"a literal path takes precedence":        {"/heroes/random?x=1", 200, "application/json", `null`, ""},
		"no alternative of oneOf matches":        {"/heroes/random", 200, "application/json", `5`, "oneOf"},
		"a list":                                 {"/heroes?limit=1", 200, "application/json", `[{"name":"Bo"}]`, ""},
		"an invalid element in a list":           {"/heroes", 201, "application/json", `[{"name":"Bo"},{}]`, "body[1]"},
		"a default response":                     {"/picture", 200, "image/svg+xml", `<svg/>`, ""},
		"a default response with the wrong media type": {"/picture", 200, "image/png", `x`, "content type"},
		"an unknown path":                                       {"/docs", 200, "text/html", `<html>`, ""},
		"a 404 in HTML for an unknown path":                     {"/docs", 404, "text/html", `<html>`, "content type"},
		"a problem document without detail for an unknown path": {"/docs", 404, "application/problem+json", `{}`, "lacks detail"},
	} {
		t.Run(name, func(t *testing.T) {
			faults := strings.Join(d.Faults("GET", test.target, test.status, test.contentType, []byte(test.body)), "; ")
			if (faults == "") != (test.fault == "") || !strings.Contains(faults, test.fault) {
				t.Errorf("got %q, want %q", faults, test.fault)
			}
		})
	}
}

func TestDocuments(t *testing.T) {
	d, err := Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]map[int]bool{
		"/heroes/1": {200: true, 404: true, 422: false}, "/heroes": {204: true, 404: false}, "/picture": {500: true}, "/none": {200: false},
	} {
		operation, _ := d.Operation("GET", target)
		for status, documented := range want {
			if operation.Documents(status) != documented {
				t.Errorf("%s: Documents(%d) = %t", target, status, !documented)
			}
		}
	}
	if _, ok := d.Operation("POST", "/heroes"); ok {
		t.Error("POST /heroes is there")
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "{", "something else": `{"swagger":"2.0"}`, "a list": "[]", "two texts": document + "{}"} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(text)); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestOurDocuments checks that this package supports every OpenAPI feature used in the published documents.
func TestOurDocuments(t *testing.T) {
	for _, service := range []string{"heroes", "villains", "locations", "fights"} {
		t.Run(service, func(t *testing.T) {
			text, err := api.Document(service)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Operations()) < 8 {
				t.Errorf("only %v", d.Operations())
			}
			for _, operation := range d.Operations() {
				method, path, _ := strings.Cut(operation, " ")
				if found, ok := d.Operation(method, path); !ok || !found.Documents(200) && !found.Documents(201) && !found.Documents(204) {
					t.Errorf("operation %s can't be found or documents no success status", operation)
				}
			}
			for name, schema := range d.schemas {
				for _, value := range []any{nil, "text", true, map[string]any{}} {
					for _, fault := range d.schemas.Faults(schema, value, name) {
						if strings.Contains(fault, "not supported") || strings.Contains(fault, "no schema") {
							t.Error(fault)
						}
					}
				}
			}
		})
	}
	if _, err := api.Document("arena"); err == nil {
		t.Error("Document returned a document for the arena, which has none")
	}
}
