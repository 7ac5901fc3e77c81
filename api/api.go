// Package api holds the OpenAPI document of each service as it was published, for programs that validate responses
// against it.
package api

import (
	"embed"
	"fmt"
)

//go:embed *.json
var documents embed.FS

// Document returns the OpenAPI 3.1 document, as JSON, of heroes, villains, locations, fights or statistics.
func Document(service string) ([]byte, error) {
	document, err := documents.ReadFile(service + ".json")
	if err != nil {
		return nil, fmt.Errorf("reading the document of %s: %w", service, err)
	}
	return document, nil
}
