package httpserver

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// endpoint serves one path and holds its operations by method. The router matches only paths: if it also matched
// methods, /random_hero would accept the methods of /{id}, because /{id} matches that path, too.
type endpoint struct {
	api        *API
	operations map[string]*operation
}

// operation holds the checks, limits and handler for a route.
type operation struct {
	checks  []func(*http.Request) error // may refuse a request before its body is read
	limits  limits
	serve   Handler
	probe   bool     // a health check, which isn't measured
	measure *measure // nil if requests aren't measured
}

// add adds an operation. It panics if the path already has an operation for the method, which is a programming error.
func (e *endpoint) add(method string, o *operation) {
	if _, taken := e.operations[method]; taken {
		panic("two routes take " + method + " at one path")
	}
	e.operations[method] = o
}

// ServeHTTP serves a request within the limits of its operation. A refusal is sent before the body is read.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	o, err := e.find(r)
	if o != nil { // otherwise, the request reaches no route
		x.measure = o.measure
		x.span = o.measure.trace(x, r)
		defer o.measure.label()()
	}
	if err == nil {
		err = o.limits.enter(r, x)
	}
	if err == nil {
		defer x.leave(r)
		if err = o.serve(w, r); err != nil {
			err = x.failed(r, err)
		}
	}
	if err != nil {
		e.api.fail(w, r, err)
	}
}

// find returns the operation for a request, or an error that says why there is none or why it may not be used.
func (e *endpoint) find(r *http.Request) (*operation, error) {
	o, there := e.operations[r.Method]
	if !there && r.Method == http.MethodHead {
		o, there = e.operations[http.MethodGet]
	}
	if !there {
		allow := e.allow()
		problem := Errorf(http.StatusMethodNotAllowed, "this path supports %s", allow)
		problem.Allow = allow
		return nil, problem
	}
	for _, check := range o.checks {
		if err := check(r); err != nil {
			return o, err
		}
	}
	return o, nil
}

// allow returns the Allow header for the path. GET implies HEAD.
func (e *endpoint) allow() string {
	methods := slices.Collect(maps.Keys(e.operations))
	if _, there := e.operations[http.MethodGet]; there {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}
