package httpserver

import (
	"context"
	"maps"
	"net/http"
	"runtime/pprof"
	"slices"
	"strconv"
	"time"

	"superheroes/internal/telemetry"
)

// measure records the durations of the requests with one route and method, traces the requests, and labels profiles
// with the route. Recording a duration allocates only for the first request with each result (BenchmarkMeasure).
type measure struct {
	method, route string
	durations     *telemetry.Vec[requestResult]
	tracer        *telemetry.Tracer // nil if tracing is off
	labels        context.Context   // carries the profile labels
}

// requestResult is the outcome of a request as shown in the metrics. To limit the number of series, the statuses from
// 300 to 499 are represented by their class, 3 or 4: with every status for every route, a service would have 1,500
// series.
type requestResult struct {
	status  int
	failure string
}

func newMeasure(metrics *telemetry.Metrics, method, route string) *measure {
	labels := func(r requestResult) []string {
		status := strconv.Itoa(r.status)
		switch {
		case r.status == 0:
			status = ""
		case r.status < 10:
			status += "xx"
		}
		return []string{method, "http", route, status, r.failure}
	}
	return &measure{
		method, route, telemetry.NewVec(metrics, telemetry.HTTPServerDuration, labels), metrics.Tracer(),
		pprof.WithLabels(context.Background(), pprof.Labels("service", metrics.Service(), "route", method+" "+route)),
	}
}

// result returns the outcome of a request that has ended. If the client disconnected before it got a response, this
// isn't a failure of the service, even if the response would have been a server error.
func (x *exchange) result() requestResult {
	switch {
	case x.aborted:
		return requestResult{x.status, "aborted"}
	case x.parent.Err() != nil && (x.status == 0 || x.status >= http.StatusInternalServerError):
		return requestResult{failure: "canceled"}
	case x.status >= http.StatusInternalServerError:
		return requestResult{x.status, strconv.Itoa(x.status)}
	case x.status >= http.StatusMultipleChoices:
		return requestResult{status: x.status / 100}
	}
	return requestResult{status: x.status}
}

// record records a request that has ended. Event streams are recorded only if they could not begin.
func (a *API) record(x *exchange, took time.Duration) {
	if x.measure == nil || x.endless && x.status == http.StatusOK {
		return
	}
	result := x.result()
	x.measure.durations.Of(result).ObserveIn(int64(took), x.span)
	x.endSpan(result.failure)
	if x.status >= http.StatusBadRequest && x.status < http.StatusInternalServerError {
		a.clientErrors[x.status-http.StatusBadRequest].Add(1)
	}
}

// clientErrors counts the responses with each status from 400 to 499.
type clientErrors [100]telemetry.Counter

// label sets the profile labels of the current goroutine, which serves a request. unlabel removes them.
func (m *measure) label() (unlabel func()) {
	if m == nil {
		return func() {}
	}
	pprof.SetGoroutineLabels(m.labels)
	return func() { pprof.SetGoroutineLabels(context.Background()) }
}

// otherMethod replaces the method of requests that match no route, so that clients can't add series. The value is from
// OpenTelemetry's semantic conventions.
const otherMethod = "_OTHER"

// Measure adds the metrics of the server's connections and state.
func (s *Server) Measure(m *telemetry.Metrics) {
	m.Func(telemetry.Draining, func() float64 {
		if s.Draining() {
			return 1
		}
		return 0
	})
	m.Func(telemetry.Connections, func() float64 { return float64(s.listener.connections()) })
	m.Counter(telemetry.ConnectionsRefused, &s.listener.refused)
	m.Counter(telemetry.ConnectionsEvicted, &s.listener.evicted)
}

// MeasureLimits adds metrics for the limits on concurrent requests. Call it after all routes have been added.
func (a *API) MeasureLimits() {
	for _, kind := range slices.Sorted(maps.Keys(a.limiters)) {
		limits := a.limiters[kind]
		sum := func(of func(load) float64) func() float64 {
			return func() (total float64) {
				for _, l := range limits {
					total += of(l.load())
				}
				return total
			}
		}
		a.metrics.Func(telemetry.LimitInFlight, sum(func(l load) float64 { return float64(l.running) }), kind.label())
		a.metrics.Func(telemetry.LimitCapacity, sum(func(l load) float64 { return float64(l.most) }), kind.label())
		a.metrics.Func(telemetry.LimitRefused, sum(func(l load) float64 { return float64(l.refused) }), kind.label())
	}
	for _, status := range []int{400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 417, 421, 422, 428, 429, 431} { // those in use
		a.metrics.Counter(telemetry.ClientErrors, &a.clientErrors[status-http.StatusBadRequest], strconv.Itoa(status))
	}
}
