package httpserver

import "net/http"

// front holds the decisions that depend on a request's headers only, taken before routing.
type front struct {
	hosts hosts
	cors  cors
	http2 limiter // nil for any number of requests
}

// instead returns a handler to use in place of the route, or nil for nearly all requests. It adds the headers that a
// browser needs for a trusted origin.
func (f *front) instead(w http.ResponseWriter, r *http.Request) Handler {
	if err := f.hosts.check(r.Host); err != nil {
		return func(http.ResponseWriter, *http.Request) error { return err }
	}
	if f.cors.allow(w.Header(), r) {
		return servePreflight
	}
	return nil
}

// refuse responds to an HTTP/2 request beyond the limit for all connections.
func (f *front) refuse(http.ResponseWriter, *http.Request) error { return tooMany(Unlimited, f.http2) }

// serve calls the handler or its replacement. A replacement in front of an API gets a request id and a log line like
// any route.
func (f *front) serve(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	instead := f.instead(w, r)
	if r.ProtoMajor > 1 && f.http2 != nil {
		if f.http2.enter(r) {
			defer f.http2.leave(r)
		} else {
			instead = f.refuse
		}
	}
	if instead == nil {
		handler.ServeHTTP(w, r)
		return
	}
	if api, ok := handler.(interface {
		Answer(http.ResponseWriter, *http.Request, Handler)
	}); ok {
		api.Answer(w, r, instead)
		return
	}
	if err := instead(w, r); err != nil { // the service is starting
		writeProblem(w, problemOf(err))
	}
}
