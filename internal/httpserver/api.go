package httpserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/telemetry"
)

// Handler responds to a request, or returns an error that API turns into a problem response.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Route declares an operation, with its documentation and its handler.
type Route struct {
	huma.Operation
	Serve Handler
	// Kind selects the limit on concurrent requests. A positive Limit overrides the limit of the route's kind.
	Kind  Kind
	Limit int
	// Admin checks the administrator's token; nil lets everyone in.
	Admin *Admin
	// Stores marks a GET that stores something: like a POST, it must not come from a page on another site.
	Stores bool
	// Probe marks a health check, whose requests aren't measured.
	Probe bool
}

// API is a service's HTTP interface: its routes, and the OpenAPI document generated from the same declarations. It
// gives every request an id and a deadline, turns errors and panics into problem responses, and logs requests and
// failures.
type API struct {
	mux      *http.ServeMux       // by path
	paths    map[string]*endpoint // the same
	document *huma.OpenAPI
	log      *slog.Logger
	cfg      Config
	sites    sites
	limiters map[Kind][]limiter // of the kinds that have routes
	metrics  *telemetry.Metrics
	unrouted *measure // of requests that reach no route; nil unless requests are measured
	traffic  *traffic // nil unless requests are measured

	clientErrors clientErrors
}

// NewAPI returns an API without routes.
func NewAPI(info huma.Info, log *slog.Logger, cfg Config) *API {
	return &API{
		mux:   http.NewServeMux(),
		paths: map[string]*endpoint{},
		document: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &info,
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
		},
		log:      log,
		cfg:      cfg,
		sites:    newSites(cfg.TrustedOrigins),
		limiters: map[Kind][]limiter{},
	}
}

// Measure makes the API measure its requests. Call it before any route is added.
func (a *API) Measure(m *telemetry.Metrics) {
	if m != nil {
		a.metrics, a.unrouted, a.traffic = m, newMeasure(m, otherMethod, ""), newTraffic(m)
	}
}

// Handle adds a route. It panics if the route's pattern conflicts with another route's, which is a programming error.
func (a *API) Handle(route Route) {
	if route.Responses == nil {
		route.Responses = map[string]*huma.Response{}
	}
	if route.Admin != nil {
		a.documentAdmin(&route)
	}
	problems := map[int]string{
		http.StatusUnprocessableEntity: "The path or the query is not valid UTF-8 or contains a NUL.",
		http.StatusInternalServerError: "Internal error.",
	}
	if route.Kind != Unlimited {
		problems[http.StatusServiceUnavailable] = fmt.Sprintf("Too many %s at once; Retry-After says when to retry.", route.Kind)
	}
	if route.changes() {
		problems[http.StatusForbidden] = "A browser sent the request on behalf of a page on another site."
	}
	a.Problems(route.Responses, problems)
	a.document.AddOperation(&route.Operation)
	a.handle(route.Method+" "+route.Path, &operation{
		checks: a.checks(route), limits: a.limitsOf(route), serve: route.Serve, probe: route.Probe,
	})
}

// checks returns the checks that a request must pass before its body is read.
func (a *API) checks(route Route) (checks []func(*http.Request) error) {
	if route.changes() {
		checks = append(checks, a.sites.check)
	}
	if route.Admin != nil {
		checks = append(checks, func(r *http.Request) error { return route.Admin.check(a.log, r) })
	}
	return checks
}

// Mount adds a route that isn't documented: a page, or a proxy to another service. The route has no limit on concurrent
// requests, because a service behind a proxy enforces its own limits.
func (a *API) Mount(pattern string, serve Handler) { a.handle(pattern, &operation{serve: serve}) }

// MountForOwnPages is like Mount, but the route refuses requests from pages on other sites.
func (a *API) MountForOwnPages(pattern string, serve Handler) {
	a.handle(pattern, &operation{checks: []func(*http.Request) error{a.sites.check}, serve: serve})
}

// MountProbe is like MountForOwnPages, but for a health check of another service, whose requests aren't measured.
func (a *API) MountProbe(pattern string, serve Handler) {
	a.handle(pattern, &operation{checks: []func(*http.Request) error{a.sites.check}, serve: serve, probe: true})
}

// MountLimited is like Mount, but the route serves only the given number of requests at a time, and rejects others.
func (a *API) MountLimited(pattern string, most int, serve Handler) {
	a.handle(pattern, &operation{limits: limits{kind: Unlimited, own: newSlots(most, 0)}, serve: serve})
}

// MountLists is like MountForOwnPages, but for a route that forwards lists to a service.
func (a *API) MountLists(pattern string, serve Handler) {
	a.handle(pattern, &operation{checks: []func(*http.Request) error{a.sites.check}, limits: a.forwardedLists(), serve: serve})
}

// MountStream is like MountForOwnPages, but for an event stream, with the usual limit on open streams.
func (a *API) MountStream(pattern string, serve Handler) {
	a.handle(pattern, &operation{
		checks: []func(*http.Request) error{a.sites.check}, limits: a.limitsOf(Route{Kind: Streams}), serve: serve,
	})
}

// MountUnknown sets the handler for requests whose path has no route. These requests aren't measured as a route's.
func (a *API) MountUnknown(serve Handler) {
	a.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			a.fail(w, r, err)
		}
	})
}

// handle adds an undocumented route.
func (a *API) handle(pattern string, o *operation) {
	method, path, _ := strings.Cut(pattern, " ")
	if a.metrics != nil && !o.probe {
		o.measure = newMeasure(a.metrics, method, path)
		if o.limits.kind == Streams {
			o.measure.tracer = nil // a stream may last for days
		}
	}
	at := a.paths[path]
	if at == nil {
		at = &endpoint{a, map[string]*operation{}}
		a.paths[path] = at
		a.mux.Handle(path, at)
	}
	at.add(method, o)
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.serve(w, r, nil) }

// serve assigns a request its id and deadline, logs it, and passes it to the given handler, or to its route if the
// handler is nil.
func (a *API) serve(w http.ResponseWriter, r *http.Request, instead Handler) {
	begin := time.Now()
	x := &exchange{
		ResponseWriter: w,
		id:             requestIDOf(r.Header),
		header:         r.Header,
		timeout:        timeoutOf(r.Header, a.cfg.Deadline),
		writeTimeout:   a.cfg.WriteTimeout,
		parent:         r.Context(),
	}
	x.deadline = begin.Add(x.timeout)
	x.measure = a.unrouted
	defer x.finish()
	w.Header().Set(RequestIDHeader, x.id)
	r = r.WithContext(x)
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	}
	defer a.finished(x, r, begin)
	defer func() { a.recovered(x, r, recover()) }()
	var err error
	if instead != nil {
		err = instead(x, r)
	} else if err = checkPath(r); err == nil {
		a.mux.ServeHTTP(x, r)
	}
	if err != nil {
		a.fail(x, r, err)
	}
	if x.status == 0 {
		x.status = http.StatusOK // net/http sends a 200 if the handler writes nothing
	}
	if x.pauses { // gives net/http time to write buffered data
		x.restartWriteTimeout()
	}
}

// checkPath refuses requests that must not reach any route.
func checkPath(r *http.Request) error {
	if err := checkText(r); err != nil {
		return err
	}
	if r.URL.Path == "*" { // as in OPTIONS *, for which the router would send an empty 400
		return Errorf(http.StatusNotFound, UnknownPath)
	}
	return nil
}

// finished measures and logs a finished or aborted request. The log level doesn't apply, because the access log has its
// own setting.
func (a *API) finished(x *exchange, r *http.Request, begin time.Time) {
	if x.measure == nil && !a.cfg.AccessLog {
		return
	}
	took := time.Since(begin)
	a.record(x, took)
	if !a.cfg.AccessLog {
		return
	}
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "access", 0)
	line.Add("method", r.Method, "path", r.URL.Path, "status", x.status, "duration", took)
	line.Add(logged(r.Context())...)
	_ = a.log.Handler().Handle(r.Context(), line) // if the log can't be written, the error can't be logged either
}

// fail responds with the problem in err. If the response has already begun, fail aborts it instead.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem := problemOf(err)
	if problem.refused {
		a.refuse(w, r, problem)
		return
	}
	a.logProblem(r, problem)
	if exchangeOf(r.Context()).status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, problem)
}

// recovered turns a panic into one log line and a 500. It passes http.ErrAbortHandler on to net/http, which closes the
// connection.
func (a *API) recovered(x *exchange, r *http.Request, cause any) {
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		x.aborted = true
		panic(http.ErrAbortHandler)
	}
	a.log.Error("a handler panicked", append(logged(r.Context()), "panic", fmt.Errorf("%s: %v", r.Pattern, cause),
		"method", r.Method, "path", r.URL.Path, "stack", string(debug.Stack()))...)
	if x.status != 0 {
		x.aborted = true
		panic(http.ErrAbortHandler)
	}
	writeProblem(x, problemOf(fmt.Errorf("panic: %v", cause)))
}

// Schema returns the schema of example's type, registered under the type's name.
func (a *API) Schema(example any) *huma.Schema {
	return a.document.Components.Schemas.Schema(reflect.TypeOf(example), true, "")
}

// Returns describes a 200 response with a JSON body.
func (a *API) Returns(description string, schema *huma.Schema, example any) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema, Example: example}},
	}}
}

// Problems adds the errors that a route may return, by status, to its documented responses. It doesn't replace existing
// responses.
func (a *API) Problems(responses map[string]*huma.Response, problems map[int]string) map[string]*huma.Response {
	schema := a.Schema(Problem{})
	for status, description := range problems {
		key := strconv.Itoa(status)
		if responses[key] != nil {
			continue
		}
		responses[key] = &huma.Response{
			Description: description,
			Content:     map[string]*huma.MediaType{ProblemType: {Schema: schema}},
		}
	}
	return responses
}

// OpenAPI returns the document as JSON.
func (a *API) OpenAPI() ([]byte, error) { return a.document.MarshalJSON() }

// Variant registers a modified copy of the schema of example's type under its own name. The type's own schema stays
// unchanged, and appears in the document only if something else refers to it.
func (a *API) Variant(name string, example any, change func(*huma.Schema)) *huma.Schema {
	schemas := a.document.Components.Schemas
	schema := huma.SchemaFromType(schemas, reflect.TypeOf(example))
	change(schema)
	schemas.Map()[name] = schema
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}
