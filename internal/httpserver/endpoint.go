package httpserver

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// endpoint serves one path: it holds the path's operations by method. The router knows paths only: if it matched
// methods, too, /random_hero would also accept the methods of /{id}, which has the same form.
type endpoint struct {
	api        *API
	operations map[string]operation
}

// operation is how a route is served.
type operation struct {
	checks []func(*http.Request) error // refuse a request before anything else of it is read
	limits limits
	serve  Handler
}

// add panics if the method is taken, which is a programming error.
func (e *endpoint) add(method string, o operation) {
	if _, taken := e.operations[method]; taken {
		panic("two routes take " + method + " at one path")
	}
	e.operations[method] = o
}

// ServeHTTP serves a request within the limits of its operation. A refusal is sent before the body is read.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	o, err := e.find(r)
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

// find returns the operation for a request, or why there is none.
func (e *endpoint) find(r *http.Request) (operation, error) {
	o, there := e.operations[r.Method]
	if !there && r.Method == http.MethodHead {
		o, there = e.operations[http.MethodGet]
	}
	if !there {
		allow := e.allow()
		problem := Errorf(http.StatusMethodNotAllowed, "this path supports %s", allow)
		problem.Allow = allow
		return o, problem
	}
	for _, check := range o.checks {
		if err := check(r); err != nil {
			return o, err
		}
	}
	return o, nil
}

// allow lists the methods of the path. GET implies HEAD.
func (e *endpoint) allow() string {
	methods := slices.Collect(maps.Keys(e.operations))
	if _, there := e.operations[http.MethodGet]; there {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}
