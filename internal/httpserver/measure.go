package httpserver

import (
	"context"
	"net/http"
	"runtime/pprof"
	"strconv"
	"time"

	"superheroes/internal/telemetry"
)

// measure records the durations of the requests to one route and method, and labels profiles with them. To record one
// costs no allocation, except the first with each status (BenchmarkMeasure).
type measure struct {
	durations *telemetry.Vec[int] // by status; 0 is a request that was aborted before its response began
	labels    context.Context     // carries the labels of profiles
}

func newMeasure(metrics *telemetry.Metrics, method, route string) *measure {
	labels := func(status int) []string {
		code, failure := strconv.Itoa(status), ""
		switch {
		case status == 0:
			code, failure = "", "aborted"
		case status >= http.StatusInternalServerError:
			failure = code
		}
		return []string{method, "http", route, code, failure}
	}
	return &measure{
		telemetry.NewVec(metrics, telemetry.HTTPServerDuration, labels),
		pprof.WithLabels(context.Background(), pprof.Labels("service", metrics.Service(), "route", method+" "+route)),
	}
}

func (m *measure) record(status int, took time.Duration) { m.durations.Of(status).Observe(int64(took)) }

// label gives the goroutine that serves a request the labels of profiles. unlabel removes them.
func (m *measure) label() (unlabel func()) {
	if m == nil {
		return func() {}
	}
	pprof.SetGoroutineLabels(m.labels)
	return func() { pprof.SetGoroutineLabels(context.Background()) }
}

// unrouted measures the requests that reach no operation: an unknown path, or a method that the path doesn't support.
// They have no route, and the methods are limited to those that HTTP defines, so that no request can add series at will.
type unrouted map[string]*measure

// otherMethod stands for every method that HTTP doesn't define, as in OpenTelemetry's semantic conventions.
const otherMethod = "_OTHER"

func newUnrouted(metrics *telemetry.Metrics) unrouted {
	u := unrouted{}
	for _, method := range []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace, otherMethod,
	} {
		u[method] = newMeasure(metrics, method, "")
	}
	return u
}

func (u unrouted) of(method string) *measure {
	if m := u[method]; m != nil {
		return m
	}
	return u[otherMethod]
}

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

// MeasureLimits adds the metrics of the limits on concurrent requests. Call it after all routes have been added.
func (a *API) MeasureLimits() {
	m := a.metrics
	for kind, limit := range a.limiters {
		name := kind.label()
		m.Func(telemetry.LimitInFlight, func() float64 { running, _, _ := limit.load(); return float64(running) }, name)
		m.Func(telemetry.LimitCapacity, func() float64 { _, most, _ := limit.load(); return float64(most) }, name)
		m.Func(telemetry.LimitRefused, func() float64 { _, _, refused := limit.load(); return float64(refused) }, name)
	}
}
