package web

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/httpserver"
)

// addEditRoutes declares the operations that change the catalog.
func (s catalogRoutes[T]) addEditRoutes(api *httpserver.API, admin *httpserver.Admin, id *huma.Param) {
	base, one := "/api/"+s.Kind.Plural, "a "+s.Kind.Singular
	whole, patch := s.bodies(api)
	operation := func(method, verb, path, summary string, body *huma.RequestBody, responses map[string]*huma.Response) huma.Operation {
		o := huma.Operation{OperationID: verb + "-" + s.Kind.Singular, Method: method, Path: base + path, Summary: summary,
			Tags: []string{s.Kind.Plural}, RequestBody: body, Responses: s.editProblems(api, responses, body != nil, path != "")}
		if path != "" {
			o.Parameters = []*huma.Param{id, ifMatch()}
		}
		return o
	}
	written := func(description string) map[string]*huma.Response {
		responses := api.Returns(description, api.Schema(s.Kind.Example), s.Kind.Example)
		responses["200"].Headers = etagHeader()
		return responses
	}
	created := written("The " + s.Kind.Singular + " as stored, including its id.")
	created["201"] = created["200"]
	delete(created, "200")
	created["201"].Headers["Location"] = &huma.Param{Description: "Path of the new entry.", Schema: &huma.Schema{Type: "string"}}
	for _, route := range []httpserver.Route{
		{Serve: s.serveCreate, Operation: operation(http.MethodPost, "create", "", "Add "+one, whole, created)},
		{Serve: s.serveReplace, Operation: operation(http.MethodPut, "replace", "/{id}", "Replace "+one, whole,
			written("The "+s.Kind.Singular+"."))},
		{Serve: s.servePatch, Operation: operation(http.MethodPatch, "patch", "/{id}", "Change some fields of "+one, patch,
			written("The "+s.Kind.Singular+"."))},
		{Serve: s.serveDelete, Operation: operation(http.MethodDelete, "delete", "/{id}", "Delete "+one, nil,
			map[string]*huma.Response{"204": {Description: "The entry was deleted."}})},
	} {
		route.Admin, route.Kind = admin, httpserver.Writes
		api.Handle(route)
	}
}

// bodies describes the request bodies: a whole entry, or a patch. A field is required if Check refuses an item without
// it.
func (s catalogRoutes[T]) bodies(api *httpserver.API) (whole, patch *huma.RequestBody) {
	var none T
	var required []string
	none.Check(func(field, _ string) { required = append(required, field) })
	sent := func(suffix, description string, needed []string) *huma.Schema {
		return api.Variant(reflect.TypeFor[T]().Name()+suffix, none, func(schema *huma.Schema) {
			delete(schema.Properties, "id")
			schema.Required, schema.AdditionalProperties, schema.Description = needed, true, description
			for name, property := range schema.Properties {
				property.Nullable = !slices.Contains(required, name)
			}
		})
	}
	fields := s.exampleFields()
	content := func(schema *huma.Schema, example any, types ...string) *huma.RequestBody {
		body := &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for _, name := range types {
			body.Content[name] = &huma.MediaType{Schema: schema, Example: example}
		}
		return body
	}
	whole = content(sent("Request", "Missing or null fields become empty. An id is refused unless it is the one in the path; unknown fields are ignored.", required),
		fields, "application/json")
	patch = content(sent("Patch", "A merge patch (RFC 7396): missing fields stay unchanged, null empties a field. "+
		"An id is refused unless it is the one in the path; unknown fields are ignored.", nil),
		map[string]any{"name": fields["name"], "picture": nil}, patchTypes()...)
	return whole, patch
}

// exampleFields returns the fields of the example except the id.
func (s catalogRoutes[T]) exampleFields() map[string]any {
	fields, example := map[string]any{}, s.Kind.Example
	for i, field := range s.Kind.Table.Fields(&example) {
		fields[s.Kind.Table.Columns[i]] = reflect.ValueOf(field).Elem().Interface()
	}
	delete(fields, "id")
	return fields
}

// editProblems adds the documented errors for an operation that changes the catalog. The body parameter is true if the
// operation takes a request body; entry is true if the operation changes an existing entry.
func (s catalogRoutes[T]) editProblems(api *httpserver.API, responses map[string]*huma.Response, body, entry bool) map[string]*huma.Response {
	problems := map[int]string{}
	var refused []string
	if entry {
		problems[http.StatusNotFound] = "No such id."
		problems[http.StatusPreconditionFailed] = "The entry is not in the state that If-Match or If-None-Match requires; nothing was written."
		refused = append(refused, "The id or a condition is malformed.")
	}
	if body {
		maps.Copy(problems, bodyProblems())
		problems[http.StatusConflict] = "Another entry has this name, and the table requires unique names, as it always does for locations; or no id is left."
		refused = append(refused, "A value is invalid; the response lists each one.")
	}
	problems[http.StatusServiceUnavailable] = "The store can't accept the change now, or there are too many requests at once; Retry-After says when to retry, and the detail says whether the change may have been written anyway."
	problems[http.StatusUnprocessableEntity] = strings.Join(refused, " ")
	return api.Problems(responses, problems)
}

// ifMatch has no example, because Swagger UI would prefill it, and the example would match no entry.
func ifMatch() *huma.Param {
	return &huma.Param{Name: "If-Match", In: "header", Description: "Entity tags, or *: the change is made only if the entry has one of them. " +
		"The comparison and the change happen in a single transaction.", Schema: &huma.Schema{Type: "string"}}
}

func ifNoneMatch() *huma.Param {
	return &huma.Param{Name: "If-None-Match", In: "header", Description: "Entity tags, or *: the response is a 304 if the entry has one of them.",
		Schema: &huma.Schema{Type: "string"}, Example: exampleTag}
}

func etagHeader() map[string]*huma.Param {
	return map[string]*huma.Param{"ETag": {Description: "A hash of the response body.", Schema: &huma.Schema{Type: "string"}, Example: exampleTag}}
}

const exampleTag = `"5d41402abc4b2a76b9719d911017c592"`
