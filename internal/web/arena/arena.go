// Package arena serves the battle page and the gateway through which the page reaches the services. The page and the
// gateway share one origin, so the page never makes a cross-origin request. The package knows nothing about the
// services except their paths.
package arena

import (
	"context"
	"net/http"

	"superheroes/internal/httpserver"
)

// Parts returns the names of the services behind the gateway.
func Parts() []string { return append(catalogs(), "fights", "statistics") }

func catalogs() []string { return []string{"heroes", "villains", "locations"} }

// Part is a service behind the gateway: a Local or a remote.Proxy.
type Part interface {
	// Pass relays the service's response. A stream is relayed as it arrives, however long it takes.
	Pass(w http.ResponseWriter, r *http.Request, stream bool) error
	// Check returns an error if the service isn't ready.
	Check(ctx context.Context) error
}

// AddRoutes adds the page and the gateway. Requests for a service that is missing from parts get a 404. Event streams
// end when the stopping context ends; otherwise they would delay the server's shutdown.
func AddRoutes(stopping context.Context, api *httpserver.API, parts map[string]Part) error {
	site, err := newSite(documented(parts))
	if err != nil {
		return err
	}
	site.addRoutes(api)
	gateway := newGateway(stopping, parts)
	gateway.addRoutes(api)
	gateway.addDocs(api)
	return nil
}
