package arena

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"superheroes/internal/httpserver"
)

// gateway forwards requests from the arena's own pages to the services.
type gateway struct {
	parts    map[string]Part
	stopping context.Context
}

func newGateway(stopping context.Context, parts map[string]Part) *gateway {
	return &gateway{parts: parts, stopping: stopping}
}

// addRoutes adds the routes for the services' paths. All paths, including the read-only ones, are for the arena's own
// pages only: other implementations of the services may return data that isn't meant for other sites.
func (g *gateway) addRoutes(api *httpserver.API) {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	for _, name := range Parts() {
		base := "/api/" + name
		for _, method := range methods {
			api.MountForOwnPages(method+" "+base+"/{rest...}", g.passing(name, false))
			if method == http.MethodGet && isCatalog(name) {
				api.MountLists(method+" "+base, g.passing(name, true))
			} else {
				api.MountForOwnPages(method+" "+base, g.passing(name, false))
			}
		}
		api.MountProbe("GET /status/"+name, g.status(name))
	}
	api.MountStream("GET /api/statistics/stream", g.events("statistics"))
}

// events returns the handler for an endless event stream. The stream ends when the server stops.
func (g *gateway) events(name string) httpserver.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		httpserver.Endless(r) // a small buffer, so that a client that doesn't read is dropped
		ctx, cancel := context.WithCancel(httpserver.Lasting(r.Context()))
		defer cancel()
		defer context.AfterFunc(g.stopping, cancel)()
		return g.pass(w, r, name, r.URL, ctx)
	}
}

func isCatalog(name string) bool { return slices.Contains(catalogs(), name) }

// passing returns the handler that forwards requests to a service.
func (g *gateway) passing(name string, wholeList bool) httpserver.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !isClean(r.URL.Path) {
			return httpserver.Errorf(http.StatusNotFound, httpserver.UnknownPath)
		}
		if !wholeList {
			return g.pass(w, r, name, r.URL, nil)
		}
		return g.pass(w, r, name, r.URL, httpserver.Lasting(r.Context()))
	}
}

// status forwards a service's /healthz response to the page.
func (g *gateway) status(name string) httpserver.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return g.pass(w, r, name, &url.URL{Path: "/healthz"}, nil)
	}
}

// isClean reports whether a decoded path has no backslash, no dot segment, and no empty segment other than the last.
// Other servers might resolve an unclean path to a path outside the API.
func isClean(decoded string) bool {
	return path.Clean(decoded) == strings.TrimSuffix(decoded, "/") && !strings.Contains(decoded, `\`)
}

// pass forwards a request to a service. A stream's context continues beyond the request's deadline, but the service
// still receives the deadline.
func (g *gateway) pass(w http.ResponseWriter, r *http.Request, name string, target *url.URL, lasting context.Context) error { //nolint:revive // not the context of this call
	part, runs := g.parts[name]
	if !runs {
		return httpserver.Errorf(http.StatusNotFound, "%s is not running here", name)
	}
	out, err := outgoing(r, name, target)
	if err != nil {
		return err
	}
	if lasting != nil {
		out = out.WithContext(lasting)
	}
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	return part.Pass(w, out, lasting != nil)
}

// outgoing returns the request to send to a service: the path, the body, and only the headers that services read. Only
// the catalogs get the administrator's token.
func outgoing(r *http.Request, name string, target *url.URL) (*http.Request, error) {
	body, err := httpserver.ReadRaw(r)
	if err != nil {
		return nil, err
	}
	header := http.Header{httpserver.RequestIDHeader: {httpserver.RequestID(r.Context())}}
	httpserver.PassTrace(r.Context(), false, header)
	passed := []string{
		"Accept", "Accept-Encoding", "Content-Type", "Content-Encoding", "If-Match", "If-None-Match", "Last-Event-Id",
		"User-Agent", httpserver.TimeoutHeader,
	}
	if isCatalog(name) {
		passed = append(passed, "Authorization")
	}
	for _, key := range passed {
		if values := r.Header.Values(key); len(values) > 0 {
			header[key] = values
		}
	}
	if deadline, bounded := r.Context().Deadline(); bounded {
		httpserver.SetTimeout(header, deadline)
	}
	out := r.WithContext(r.Context())
	out.URL, out.Header = target, header
	out.TransferEncoding, out.Trailer = nil, nil
	out.Body, out.ContentLength = http.NoBody, int64(len(body))
	if len(body) > 0 {
		out.Body = io.NopCloser(bytes.NewReader(body))
	}
	return out, nil
}
