package httpserver

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
)

// checkTimeout is the time limit for checking a store or a peer.
const checkTimeout = 2 * time.Second

// Health configures the health endpoints of a service.
type Health struct {
	Service  string
	Version  string
	Profile  string
	Engine   string                                 // engine of the store: postgresql, mysql, mongodb or sqlite
	Store    func(context.Context) error            // checks whether the store responds; nil if there is no store
	Peers    map[string]func(context.Context) error // health checks for peers, by name; they don't affect readiness
	Draining func() bool

	traffic *traffic // nil if the service has no metrics
}

// Status is the body of /livez, /readyz and, with all fields, /healthz.
type Status struct {
	Status  string                `json:"status" enum:"ok,unavailable,draining" example:"ok"`
	Service string                `json:"service,omitempty" example:"fights"`
	Version string                `json:"version,omitempty" example:"v1.0.0"`
	Profile string                `json:"profile,omitempty" example:"strict"`
	Store   *PartStatus           `json:"store,omitempty"`
	Peers   map[string]PartStatus `json:"peers,omitempty"`
	Traffic *Traffic              `json:"traffic,omitempty"`
}

// PartStatus is the status of a store or a peer.
type PartStatus struct {
	Engine string `json:"engine,omitempty" example:"mongodb"`
	Status string `json:"status" enum:"ok,unavailable" example:"ok"`
}

// AddHealth adds /livez, /readyz and /healthz.
func (a *API) AddHealth(health Health) {
	health.traffic = a.traffic
	operation := func(id, summary, yes string, example Status) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: "/" + id, Summary: summary, Tags: []string{"health"},
			Responses: a.Returns(yes, a.Schema(Status{}), example),
		}
	}
	ok := Status{Status: "ok"}
	live := operation("livez", "Report whether the process is serving", "The process is serving.", ok)
	a.Handle(Route{Kind: Unlimited, Probe: true, Operation: live, Serve: func(w http.ResponseWriter, _ *http.Request) error {
		return writeStatus(w, http.StatusOK, ok)
	}})
	ready := operation("readyz", "Report whether the service is ready", "The service is ready.", ok)
	const unready = "The store is unavailable, the service is shutting down, or there are too many health checks at once."
	a.Problems(ready.Responses, map[int]string{http.StatusServiceUnavailable: unready})
	a.Handle(Route{Kind: Checks, Probe: true, Operation: ready, Serve: health.serveReady})
	full := operation("healthz", "Show the state of the service, its store and its peers", "The service is ready.", health.example("ok"))
	full.Responses["503"] = &huma.Response{
		Description: unready,
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: a.Schema(Status{}), Example: health.example("unavailable")},
			ProblemType:        {Schema: a.Schema(Problem{}), Example: Unavailable("too many health checks at once; retry later")},
		},
	}
	a.Handle(Route{Kind: Checks, Probe: true, Operation: full, Serve: health.serveHealth})
}

// example returns a sample body for /healthz.
func (h Health) example(store string) Status {
	return Status{
		Status: store, Service: h.Service, Version: "v1.0.0", Profile: "strict", Store: &PartStatus{Engine: "sqlite", Status: store},
		Traffic: &Traffic{Seconds: 5, Requests: 97, Errors: 0, P99: new(2.4)},
	}
}

// serveReady sends a 503 if the service's own store is unavailable or the service is draining. It ignores peers: taking
// a service out of rotation because another is down would turn one outage into two.
func (h Health) serveReady(w http.ResponseWriter, r *http.Request) error {
	if h.Draining() {
		writeProblem(w, Unavailable("draining: the service is shutting down")) // planned: nothing to log
		return nil
	}
	if h.Store != nil {
		if err := check(r.Context(), h.Store); err != nil {
			return Unavailable("%s (store: %s)", storeState(err), h.Engine).Because(err)
		}
	}
	return writeStatus(w, http.StatusOK, Status{Status: "ok"})
}

func (h Health) serveHealth(w http.ResponseWriter, r *http.Request) error {
	status := h.status(r.Context())
	code := http.StatusOK
	if status.Status != "ok" {
		code = http.StatusServiceUnavailable
	}
	return writeStatus(w, code, status)
}

// status checks the store and all peers concurrently.
func (h Health) status(ctx context.Context) Status {
	status := Status{
		Status: "ok", Service: h.Service, Version: h.Version, Profile: h.Profile, Peers: map[string]PartStatus{}, Traffic: h.traffic.read(),
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	for name, ask := range h.Peers {
		wait.Go(func() {
			part := PartStatus{Status: word(check(ctx, ask))}
			mu.Lock()
			defer mu.Unlock()
			status.Peers[name] = part
		})
	}
	if h.Store != nil {
		status.Store = &PartStatus{Engine: h.Engine, Status: word(check(ctx, h.Store))}
	}
	wait.Wait()
	switch {
	case h.Draining():
		status.Status = "draining"
	case status.Store != nil && status.Store.Status != "ok":
		status.Status = status.Store.Status
	}
	return status
}

// check runs one health check with a timeout of checkTimeout, and turns a panic into an error, because a panic in one
// of status's goroutines would crash the process.
func check(ctx context.Context, ask func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return ask(ctx)
}

func word(err error) string {
	if err != nil {
		return "unavailable"
	}
	return "ok"
}

func writeStatus(w http.ResponseWriter, code int, status Status) error {
	body, err := json.Marshal(status, json.Deterministic(true))
	if err != nil {
		return err
	}
	NoStore(w)
	return WriteStatus(w, code, "application/json", body)
}
