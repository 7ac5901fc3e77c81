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
)

// Handler answers one request, or returns the error that becomes the problem answer.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Route declares one operation: what documents it and what serves it stand together.
type Route struct {
	huma.Operation
	Serve Handler
	// Kind says whose limit of requests under way counts; Limit, when above 0, replaces it for this route.
	Kind  Kind
	Limit int
	// Admin says who may; nil is everyone.
	Admin *Admin
	// Stores marks a GET that stores something: pages of other sites may not use it, as they may not use other methods.
	Stores bool
}

// API is a service's HTTP surface: its routes, and the OpenAPI document made from the same declarations. It gives
// every request an id and a deadline, turns errors and panics into problem answers, and logs.
type API struct {
	mux      *http.ServeMux // by path
	paths    map[string]endpoint
	document *huma.OpenAPI
	log      *slog.Logger
	cfg      Config
	sites    sites
	limiters map[Kind]limiter
}

// NewAPI returns an API without routes.
func NewAPI(info huma.Info, log *slog.Logger, cfg Config) *API {
	return &API{
		mux:   http.NewServeMux(),
		paths: map[string]endpoint{},
		document: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &info,
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
		},
		log:      log,
		cfg:      cfg,
		sites:    newSites(cfg.TrustedOrigins),
		limiters: newLimiters(cfg.Deadline),
	}
}

// Handle adds a route. It panics when the pattern conflicts with another: that is a fault of the program.
func (a *API) Handle(route Route) {
	if route.Responses == nil {
		route.Responses = map[string]*huma.Response{}
	}
	a.Problems(route.Responses, map[int]string{
		http.StatusUnprocessableEntity: "The path or the query is not valid UTF-8 or contains a NUL.",
		http.StatusInternalServerError: "The service made an error.",
	})
	if route.Kind != Unlimited {
		a.Problems(route.Responses, map[int]string{http.StatusServiceUnavailable: "Too many " + route.Kind.String() + " at once; Retry-After says when to try again."})
	}
	route.Serve = a.admitted(route)
	if route.Admin != nil {
		a.guard(&route)
	}
	if route.changes() {
		a.protect(&route)
	}
	a.document.AddOperation(&route.Operation)
	a.handle(route.Method+" "+route.Path, route.Serve)
}

// Mount adds a route that no document names: a page, or what is passed on to another service. It has no limit: that
// service has its own.
func (a *API) Mount(pattern string, serve Handler) { a.handle(pattern, serve) }

// handle adds a route that no document names.
func (a *API) handle(pattern string, serve Handler) {
	method, path, _ := strings.Cut(pattern, " ")
	at := a.paths[path]
	if at == nil {
		at = endpoint{}
		a.paths[path] = at
		a.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if err := at.serve(w, r); err != nil {
				a.fail(w, r, err)
			}
		})
	}
	at.add(method, serve)
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.Answer(w, r, a.route) }

// Answer answers one request with serve in place of a route.
func (a *API) Answer(w http.ResponseWriter, r *http.Request, serve Handler) {
	begin := time.Now()
	x := &exchange{answer: response{ResponseWriter: w}, requestInfo: requestInfo{
		id:           requestIDOf(r.Header),
		timeout:      timeoutOf(r.Header, a.cfg.Deadline),
		writeTimeout: a.cfg.WriteTimeout,
		parent:       r.Context(),
	}}
	x.answer.info = &x.requestInfo
	x.deadline = begin.Add(x.timeout)
	defer x.finish()
	w.Header().Set(RequestIDHeader, x.id)
	r = r.WithContext(x)
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	}
	answer := &x.answer
	defer a.logAccess(answer, r, begin)
	defer func() { a.recovered(answer, r, recover()) }()
	if err := serve(answer, r); err != nil {
		a.fail(answer, r, err)
	}
	if answer.status == 0 {
		answer.status = http.StatusOK // which net/http sends for a handler that writes nothing
	}
	x.resume(w)
}

func (a *API) route(w http.ResponseWriter, r *http.Request) error {
	if err := checkText(r); err != nil {
		return err
	}
	if r.URL.Path == "*" { // as in OPTIONS *, for which the router has an empty 400
		return Errorf(http.StatusNotFound, UnknownPath)
	}
	a.mux.ServeHTTP(w, r)
	return nil
}

// logAccess logs a request that has ended, one that was broken off too. It goes past the log's level: who asks for the
// access log gets it.
func (a *API) logAccess(answer *response, r *http.Request, begin time.Time) {
	if !a.cfg.AccessLog {
		return
	}
	line := slog.NewRecord(time.Now(), slog.LevelInfo, "access", 0)
	line.Add("method", r.Method, "path", r.URL.Path, "status", answer.status, "duration", time.Since(begin),
		"request_id", RequestID(r.Context()))
	_ = a.log.Handler().Handle(r.Context(), line) // there is nowhere to tell that a log can't be written
}

// fail answers with the problem that err holds. An answer that has begun is broken off instead.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	problem := problemOf(err)
	if problem.refused {
		a.refuse(w, r, problem)
		return
	}
	a.logProblem(r, problem)
	if answer, ok := w.(*response); ok && answer.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, problem)
}

// recovered turns a panic into one log line and a 500. http.ErrAbortHandler goes on to the HTTP server, which closes
// the connection.
func (a *API) recovered(w *response, r *http.Request, cause any) {
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	a.log.Error("a handler panicked", "panic", fmt.Errorf("%s: %v", r.Pattern, cause), "method", r.Method, "path", r.URL.Path,
		"request_id", RequestID(r.Context()), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeProblem(w, problemOf(fmt.Errorf("panic: %v", cause)))
}

// Schema returns the schema of example's type, registered under the type's name.
func (a *API) Schema(example any) *huma.Schema {
	return a.document.Components.Schemas.Schema(reflect.TypeOf(example), true, "")
}

// Returns describes a 200 answer with a JSON body.
func (a *API) Returns(description string, schema *huma.Schema, example any) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema, Example: example}},
	}}
}

// Problems adds to a route's answers the errors it may answer with, by status. An answer that is there stays.
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

// Variant registers, under a name of its own, the schema of example's type after change was made to it. The type's
// own schema stays as it is, and out of the document when nothing else refers to it.
func (a *API) Variant(name string, example any, change func(*huma.Schema)) *huma.Schema {
	schemas := a.document.Components.Schemas
	schema := huma.SchemaFromType(schemas, reflect.TypeOf(example))
	change(schema)
	schemas.Map()[name] = schema
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}
