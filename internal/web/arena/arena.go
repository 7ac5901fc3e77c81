// Package arena is the battle page, and the gateway through which the page reaches the services: one origin for both,
// so that the page calls no other.
package arena

import (
	"context"
	"net/http"

	"superheroes/internal/httpserver"
)

// Parts returns the names of the services behind the gateway.
func Parts() []string { return []string{"heroes", "villains", "locations", "fights", "statistics"} }

// Part is a service behind the gateway: a Local or a remote.Proxy.
type Part interface {
	// Pass answers with what the service answers. A stream is passed on as it comes, however long it takes.
	Pass(w http.ResponseWriter, r *http.Request, stream bool) error
	// Check tells whether the service can do its work.
	Check(ctx context.Context) error
}

// AddRoutes adds the page and the gateway. A service that parts lacks is answered for with 404. Event streams end with
// stopping: they would keep the server from ending.
func AddRoutes(stopping context.Context, api *httpserver.API, parts map[string]Part) error {
	site, err := newSite()
	if err != nil {
		return err
	}
	site.addRoutes(api)
	newGateway(stopping, parts).addRoutes(api)
	return nil
}
