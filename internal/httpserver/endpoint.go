package httpserver

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// endpoint holds the handlers of one path, by method. The router knows paths only: if it matched methods, too,
// /random_hero would also accept the methods of /{id}, which has the same form.
type endpoint map[string]Handler

// add panics if the method is taken, which is a programming error.
func (e endpoint) add(method string, serve Handler) {
	if _, taken := e[method]; taken {
		panic("two routes take " + method + " at one path")
	}
	e[method] = serve
}

func (e endpoint) serve(w http.ResponseWriter, r *http.Request) error {
	serve, there := e[r.Method]
	if !there && r.Method == http.MethodHead {
		serve, there = e[http.MethodGet]
	}
	if !there {
		allow := e.allow()
		problem := Errorf(http.StatusMethodNotAllowed, "this path supports %s", allow)
		problem.Allow = allow
		return problem
	}
	return serve(w, r)
}

// allow lists the methods of the path. GET implies HEAD.
func (e endpoint) allow() string {
	methods := slices.Collect(maps.Keys(e))
	if _, there := e[http.MethodGet]; there {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}
