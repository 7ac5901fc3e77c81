// Package api contains the published OpenAPI document of each service, for programs that validate responses against it.
package api

import (
	"embed"
	"fmt"
)

//go:embed *.json
var documents embed.FS

// Document returns the OpenAPI 3.1 document of a service (heroes, villains, locations, fights or statistics) as JSON.
func Document(service string) ([]byte, error) {
	document, err := documents.ReadFile(service + ".json")
	if err != nil {
		return nil, fmt.Errorf("reading the OpenAPI document of %s: %w", service, err)
	}
	return document, nil
}
