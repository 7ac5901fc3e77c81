package httpserver

import "net/http"

// front is what a server decides by the headers of a request before any route sees it.
type front struct {
	hosts hosts
	cors  cors
	http2 *slots // nil for any number of requests
}

// instead returns what answers a request in place of its route, nil for nearly all. It adds to the answer what the browser
// of a trusted origin has to know.
func (f *front) instead(w http.ResponseWriter, r *http.Request) Handler {
	if err := f.hosts.check(r.Host); err != nil {
		return func(http.ResponseWriter, *http.Request) error { return err }
	}
	if f.cors.allow(w.Header(), r) {
		return servePreflight
	}
	return nil
}

// refuse answers a request over HTTP/2 beyond what all connections may have.
func (f *front) refuse(http.ResponseWriter, *http.Request) error { return tooMany(Unlimited, f.http2) }

// serve has the handler answer, or what answers in its place: an API gives that an id and logs it as it does its routes.
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
