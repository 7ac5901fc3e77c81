package httpserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"superheroes/internal/bounded"
	"superheroes/internal/storage"
)

// ProblemType is the media type of every error response (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is an error that is sent to the client as a problem response. Its exported text fields go to the client, so
// they must not contain a password, SQL or a stack trace; details for the log belong in Cause.
type Problem struct {
	Title  string  `json:"title" doc:"The kind of error, the same for every response with this status." example:"Unprocessable Entity"`
	Status int     `json:"status" doc:"The HTTP status." example:"422"`
	Detail string  `json:"detail" doc:"What went wrong with this request." example:"body.hero.name: is missing"`
	Errors []Place `json:"errors,omitempty" nullable:"false" doc:"The invalid parts of the request."`
	// TraceID is set when the problem is sent.
	TraceID string `json:"trace_id,omitempty" doc:"The id of the trace, if the request has a valid traceparent header or the service records a trace of it." example:"0af7651916cd43dd8448eb211c80319c"`

	RetryAfter time.Duration `json:"-"` // sent as Retry-After in whole seconds when above 0
	Allow      string        `json:"-"` // sent as Allow when not empty
	Challenge  string        `json:"-"` // sent as WWW-Authenticate when not empty
	Cause      error         `json:"-"` // logged, never sent

	refused bool // the request was refused because too many of its kind are in flight
}

// Place is the location of an invalid part of a request, with the reason it was refused.
type Place struct {
	Location string `json:"location" doc:"Location of the invalid part: path.…, query.… or body.…" example:"body.hero.name"`
	Message  string `json:"message" doc:"Why it was refused." example:"is missing"`
}

func (p Place) String() string { return p.Location + ": " + p.Message }

// Errorf returns a problem with a formatted detail.
func Errorf(status int, format string, args ...any) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// Invalid returns a 422 that lists the given places. The problem's detail describes the first of the given places.
func Invalid(places ...Place) *Problem {
	problem := Errorf(http.StatusUnprocessableEntity, "%s", places[0])
	if more := len(places) - 1; more > 0 {
		problem.Detail += fmt.Sprintf(" (and %d more)", more)
	}
	problem.Errors = places
	return problem
}

// Unavailable returns a 503 for a condition that is likely to pass soon.
func Unavailable(format string, args ...any) *Problem {
	problem := Errorf(http.StatusServiceUnavailable, format, args...)
	problem.RetryAfter = time.Second
	return problem
}

// Because sets the cause, which appears only in the log, and returns p.
func (p *Problem) Because(err error) *Problem {
	p.Cause = err
	return p
}

func (p *Problem) Error() string { return p.Detail }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// problemOf returns the Problem that err wraps, or makes one for err. An unknown error becomes a 500 without details.
func problemOf(err error) *Problem {
	var problem *Problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &tooLarge):
		return Errorf(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable("the request's deadline has passed").Because(err)
	}
	return Errorf(http.StatusInternalServerError, "internal error; see the log of the service").Because(err)
}

// StoreProblem turns an error from the service's own store into a problem that depends on the error's kind (package
// storage). The detail names the kind but never the cause, which appears only in the log. For a write, the outcome,
// such as "the fight was not stored", is appended to the detail.
func StoreProblem(err error, outcome ...string) *Problem {
	problem := storeProblem(err)
	for _, text := range outcome {
		problem.Detail += "; " + text
	}
	return problem
}

func storeProblem(err error) *Problem {
	var row *storage.RowError
	switch {
	case errors.As(err, &row):
		return Errorf(http.StatusInternalServerError, "%s %s can't be read; the log says why", row.What, row.ID).Because(err)
	case errors.Is(err, storage.ErrSchema):
		return Errorf(http.StatusInternalServerError, "%v; see the log of the service", storage.ErrSchema).Because(err)
	case storage.KindOf(err) != nil:
		return Unavailable("%s", storeState(err)).Because(err)
	case bounded.CrowdOf(err) != "":
		return Unavailable("too many %s at once; retry later", bounded.CrowdOf(err)).Because(err)
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable("the store did not answer before the request's deadline").Because(err)
	case errors.Is(err, context.Canceled):
		return Unavailable("the request was canceled").Because(err)
	}
	return Unavailable("the store failed; the log says why").Because(err)
}

// storeState describes a store failure in a few words.
func storeState(err error) string {
	return cmp.Or(storage.KindOf(err), storage.ErrUnavailable).Error()
}

// writeProblem sends a problem. The caller must not have written any part of the response yet.
func writeProblem(w http.ResponseWriter, problem *Problem) {
	if x, ok := w.(*exchange); ok {
		problem = problem.traced(x)
	}
	body, err := json.Marshal(problem)
	if err != nil { // the detail contains text that isn't UTF-8
		body = []byte(`{"title":"Internal Server Error","status":500,"detail":"the error could not be described"}`)
		problem = &Problem{Status: http.StatusInternalServerError}
	}
	header := w.Header()
	header.Set("Content-Type", ProblemType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	if problem.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int((problem.RetryAfter+time.Second-1)/time.Second)))
	}
	if problem.Allow != "" {
		header.Set("Allow", problem.Allow)
	}
	if problem.Challenge != "" {
		header.Set("WWW-Authenticate", problem.Challenge)
	}
	w.WriteHeader(problem.Status)
	_, _ = w.Write(body) // an error means that the client is gone
}

// traced returns the problem with the id of the trace that ctx belongs to, if any.
func (p *Problem) traced(ctx context.Context) *Problem {
	id := spanOf(ctx).TraceID
	if id == "" {
		return p
	}
	traced := *p
	traced.TraceID = id
	return &traced
}

// logProblem logs problems that concern an operator: a 500 as an error, and other server errors, such as an unavailable
// store or peer, as warnings.
func (a *API) logProblem(r *http.Request, problem *Problem) {
	ctx, level := r.Context(), slog.LevelWarn
	switch {
	case problem.Status == http.StatusInternalServerError:
		level = slog.LevelError
	case problem.Status < http.StatusInternalServerError, ctx.Err() == context.Canceled:
		level = slog.LevelDebug
	}
	if !a.log.Enabled(ctx, level) {
		return
	}
	attrs := append([]any{"status", problem.Status, "method", r.Method, "path", r.URL.Path}, logged(ctx)...)
	if problem.Cause != nil {
		attrs = append(attrs, "cause", problem.Cause)
	}
	a.log.Log(ctx, level, problem.Detail, attrs...)
}
