// Package openapi validates responses against an OpenAPI 3.1 document. The package supports the subset of OpenAPI
// and JSON Schema that the documents in api/ use.
package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// ProblemType is the media type of error responses.
const ProblemType = "application/problem+json"

// Document is a parsed OpenAPI document.
type Document struct {
	Version string
	paths   map[string]map[string]Operation // keyed by path, then by lower-case method
	schemas Schemas
}

// Operation describes one method of one path.
type Operation struct {
	Responses map[string]Response `json:"responses"`
}

// Response describes the responses with one status code or class of status codes.
type Response struct {
	Content map[string]struct {
		Schema map[string]any `json:"schema"`
	} `json:"content"`
}

// Parse reads a document in JSON.
func Parse(text []byte) (*Document, error) {
	var document struct {
		OpenAPI    string                                `json:"openapi"`
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Schemas Schemas `json:"schemas"`
		} `json:"components"`
	}
	if err := Decode(text, &document); err != nil {
		return nil, fmt.Errorf("reading an OpenAPI document: %w", err)
	}
	if document.OpenAPI == "" || document.Paths == nil {
		return nil, errors.New("reading an OpenAPI document: openapi or paths is missing")
	}
	d := &Document{Version: document.OpenAPI, paths: map[string]map[string]Operation{}, schemas: document.Components.Schemas}
	for path, item := range document.Paths {
		d.paths[path] = map[string]Operation{}
		for method, text := range item {
			var operation Operation
			if Decode(text, &operation) == nil { // keys such as parameters and summary are not operations
				d.paths[path][method] = operation
			}
		}
	}
	return d, nil
}

// Decode decodes exactly one JSON value, with numbers as json.Number; trailing data is an error.
func Decode(text []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(target); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("trailing data after the JSON value")
	}
	return nil
}

// Operations returns every operation in the form "GET /path", in no particular order.
func (d *Document) Operations() []string {
	var all []string
	for path, item := range d.paths {
		for method := range item {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	return all
}

// Operation returns the operation for a request's method and target. A literal path takes precedence over a template
// with {…}.
func (d *Document) Operation(method, target string) (Operation, bool) {
	path, _, _ := strings.Cut(target, "?")
	if item, ok := d.paths[path]; ok {
		operation, ok := item[strings.ToLower(method)]
		return operation, ok
	}
	for template, item := range d.paths {
		if fits(template, path) {
			operation, ok := item[strings.ToLower(method)]
			return operation, ok
		}
	}
	return Operation{}, false
}

func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i, segment := range want {
		if segment != got[i] && !strings.HasPrefix(segment, "{") {
			return false
		}
	}
	return true
}

// Documents reports whether a status code is documented for the operation: explicitly, through a class such as 4XX, or
// through a default response.
func (o Operation) Documents(status int) bool {
	_, ok := o.response(status)
	return ok
}

func (o Operation) response(status int) (Response, bool) {
	for _, key := range []string{strconv.Itoa(status), strconv.Itoa(status/100) + "XX", "default"} {
		if response, ok := o.Responses[key]; ok {
			return response, true
		}
	}
	return Response{}, false
}

// Faults describes each deviation of a response from the document. For a request that matches no operation, an error
// response must be a problem document; any other response is accepted.
func (d *Document) Faults(method, target string, status int, contentType string, body []byte) []string {
	operation, known := d.Operation(method, target)
	if !known {
		if status < http.StatusBadRequest {
			return nil
		}
		return d.faultsOfBody(ProblemType, map[string]any{"$ref": "#/components/schemas/Problem"}, contentType, body)
	}
	response, documented := operation.response(status)
	if !documented {
		return []string{fmt.Sprintf("status %d is not documented", status)}
	}
	for mediaType, content := range response.Content { // ours has one
		return d.faultsOfBody(mediaType, content.Schema, contentType, body)
	}
	return nil
}

func (d *Document) faultsOfBody(mediaType string, schema map[string]any, contentType string, body []byte) []string {
	if got, _, _ := mime.ParseMediaType(contentType); got != mediaType {
		return []string{fmt.Sprintf("content type is %q, not %s", contentType, mediaType)}
	}
	if !strings.HasSuffix(mediaType, "json") {
		return nil
	}
	var value any
	if err := Decode(body, &value); err != nil {
		return []string{fmt.Sprintf("body is not JSON: %v", err)}
	}
	return d.schemas.Faults(schema, value, "body")
}
