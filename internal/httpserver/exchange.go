package httpserver

import (
	"context"
	"net/http"
	"sync"
	"time"

	"superheroes/internal/telemetry"
)

// exchange is a request in progress: its id and limits, its response writer and its context, in one allocation.
//
// An exchange is also the request's context, and is canceled at the deadline, like a context from context.WithDeadline.
// An exchange creates a standard context with a timer only when a caller waits for the cancellation or could observe
// it. A request served from memory never needs the timer (BenchmarkRequest). From then on, the exchange delegates to
// the standard context, so that the reported state stays consistent.
type exchange struct {
	http.ResponseWriter
	id           string
	header       http.Header     // of the request
	timeout      time.Duration   // time limit of the request, or of each step of a stream
	writeTimeout time.Duration   // time limit for each write to a stream
	parent       context.Context // the request's context without its deadline
	deadline     time.Time
	kind         Kind
	limit        limiter  // nil unless the request counts against its kind's limit
	status       int      // 0 until the response has begun
	aborted      bool     // the response was broken off
	endless      bool     // the response is a stream of events
	drop         bool     // discard the handler's plain-text body, which a problem response has replaced
	hurried      bool     // the request spent most of its time waiting for a slot
	pauses       bool     // suspend the write timeout between writes
	measure      *measure // records the request's duration; nil for a request that isn't measured
	span         *telemetry.Span

	mu    sync.Mutex
	timed context.Context // created when needed
	end   context.CancelFunc
	over  bool
}

type exchangeKey struct{}

// exchangeOf returns the exchange that ctx belongs to, or nil.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// Deadline implements context.Context, as Done, Err and Value do.
func (x *exchange) Deadline() (time.Time, bool) { return x.deadline, true }

func (x *exchange) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.context().Done()
}

// context returns the context to delegate to, and creates it if necessary. The caller must hold the mutex.
func (x *exchange) context() context.Context {
	if x.timed != nil {
		return x.timed
	}
	if x.over { // the request was canceled, even if its deadline has since passed
		x.timed, x.end = context.WithCancel(x.parent)
		x.end()
		return x.timed
	}
	x.timed, x.end = context.WithDeadline(x.parent, x.deadline)
	return x.timed
}

func (x *exchange) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.timed == nil && !x.over && x.parent.Err() == nil && time.Now().Before(x.deadline) {
		return nil // no context exists yet, and the request hasn't ended
	}
	return x.context().Err()
}

// Value passes other keys to the context that the exchange delegates to, because package context uses Value to link a
// child to its parent and to find the cause of the cancellation.
func (x *exchange) Value(key any) any {
	switch key {
	case exchangeKey{}:
		return x
	case telemetry.SpanKey{}:
		return x.span
	}
	if x.measure != nil { // for goroutines that work for this request
		if label := x.measure.labels.Value(key); label != nil {
			return label
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.timed != nil {
		return x.timed.Value(key)
	}
	return x.parent.Value(key)
}

// Lasting returns a request's context without its deadline, for a response that may take any amount of time. The
// context ends when the client disconnects.
func Lasting(ctx context.Context) context.Context {
	x := exchangeOf(ctx)
	lasting := context.WithValue(x.parent, exchangeKey{}, x)
	if x.span != nil {
		lasting = context.WithValue(lasting, telemetry.SpanKey{}, x.span)
	}
	return lasting
}

// finish ends the context after the response.
func (x *exchange) finish() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	if x.end != nil {
		x.end()
	}
}
