package httpserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/internal/telemetry"
)

// measured returns an API that measures its requests, and a function that returns its metrics as text.
func measured(routes ...Route) (*API, func() string) { return measuredAnd(nil, routes...) }

// measuredAnd is like measured, but the API traces its requests as well, unless tracing is nil.
func measuredAnd(tracing *telemetry.Tracing, routes ...Route) (*API, func() string) {
	registry := telemetry.NewRegistry(tracing)
	api, _ := newAPI(settings())
	api.Measure(registry.Service("test"))
	for _, route := range routes {
		api.Handle(route)
	}
	api.MeasureLimits()
	return api, func() string {
		var text strings.Builder
		_ = registry.WriteText(&text, telemetry.TextFormat) // never fails
		return text.String()
	}
}

// durations returns the number of requests for each set of labels of the request durations.
func durations(metrics string) map[string]string {
	counts := map[string]string{}
	for line := range strings.Lines(metrics) {
		if rest, found := strings.CutPrefix(line, `http_server_request_duration_seconds_count{service="test",http_request_method=`); found {
			labels, count, _ := strings.Cut(strings.TrimSpace(rest), "} ")
			counts[strings.ReplaceAll(labels, `,url_scheme="http"`, "")] = count
		}
	}
	return counts
}

func TestMeasure(t *testing.T) {
	probe := route(http.MethodGet, "/readyz", ok)
	probe.Probe = true
	api, metrics := measured(
		route(http.MethodGet, "/items/{id}", func(w http.ResponseWriter, r *http.Request) error {
			if _, err := PathID(r); err != nil {
				return err
			}
			return ok(w, r)
		}),
		route(http.MethodPost, "/items", func(http.ResponseWriter, *http.Request) error { panic("test") }),
		route(http.MethodGet, "/broken", func(w http.ResponseWriter, _ *http.Request) error {
			panic(http.ErrAbortHandler)
		}),
		route(http.MethodGet, "/half", func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write([]byte("[1,"))
			return errors.New("test")
		}),
		route(http.MethodGet, "/left", func(_ http.ResponseWriter, r *http.Request) error { return r.Context().Err() }),
		route(http.MethodGet, "/events", func(w http.ResponseWriter, r *http.Request) error {
			return NewEvents(w, r).Send([]byte("data: {}\n\n"))
		}),
		probe,
	)
	for _, request := range []struct{ method, path string }{
		{http.MethodGet, "/items/1"}, {http.MethodGet, "/items/2"}, {http.MethodHead, "/items/2"}, {http.MethodGet, "/items/x"},
		{http.MethodDelete, "/items/1"}, {http.MethodPost, "/items"}, {http.MethodGet, "/broken"}, {http.MethodGet, "/half"}, {http.MethodGet, "/left"}, {http.MethodGet, "/events"},
		{http.MethodGet, "/readyz"}, {http.MethodGet, "/nowhere"}, {"BREW", "/nowhere"}, {"BREW", "/items"},
	} {
		func() {
			defer func() { _ = recover() }() // as net/http recovers from http.ErrAbortHandler
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if request.path == "/left" {
				cancel()
			}
			api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, request.method, request.path, http.NoBody))
		}()
	}
	want := map[string]string{
		`"GET",http_route="/items/{id}",http_response_status_code="200"`:                "3",
		`"GET",http_route="/items/{id}",http_response_status_code="4xx"`:                "1",
		`"POST",http_route="/items",http_response_status_code="500",error_type="500"`:   "1",
		`"GET",http_route="/broken",error_type="aborted"`:                               "1",
		`"GET",http_route="/half",http_response_status_code="200",error_type="aborted"`: "1",
		`"GET",http_route="/left",error_type="canceled"`:                                "1",
		`"_OTHER",http_response_status_code="4xx"`:                                      "4",
	}
	if diff := cmp.Diff(want, durations(metrics())); diff != "" {
		t.Error(diff)
	}
	for status, count := range map[string]string{"404": "2", "405": "2", "422": "1", "421": "0"} {
		if series := `superheroes_client_errors_total{service="test",http_response_status_code="` + status + `"} ` + count + "\n"; !strings.Contains(metrics(), series) {
			t.Errorf("the metrics don't contain %s", series)
		}
	}
}

// TestClientsAddNoSeries checks that after one request of each kind, further requests add no series, whatever clients
// send.
func TestClientsAddNoSeries(t *testing.T) {
	api, metrics := measured(route(http.MethodGet, "/items/{id}", ok))
	send := func(i int) {
		for _, path := range []string{"/items/", "/nowhere/"} {
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions, http.MethodTrace, fmt.Sprint("M", i)} {
				request := httptest.NewRequestWithContext(t.Context(), method, fmt.Sprint(path, i, "?q=", i), http.NoBody)
				request.Host = fmt.Sprint("host", i)
				request.Header.Set(fmt.Sprint("X-", i), "x")
				api.ServeHTTP(discarded{http.Header{}}, request)
			}
		}
	}
	send(0)
	before := strings.Count(metrics(), "\n")
	for i := range 10_000 {
		send(i)
	}
	if after := strings.Count(metrics(), "\n"); after != before {
		t.Errorf("the metrics have grown from %d to %d lines", before, after)
	}
}

// BenchmarkMeasure measures what it costs to record a request and to label profiles, excluding two clock reads.
func BenchmarkMeasure(b *testing.B) {
	api, _ := measured()
	x := &exchange{measure: newMeasure(api.metrics, http.MethodGet, "/items"), status: http.StatusOK, parent: b.Context()}
	b.ReportAllocs()
	for b.Loop() {
		unlabel := x.measure.label()
		api.record(x, 300_000)
		unlabel()
	}
}

// tracing returns a configuration with a sampler that OpenTelemetry defines. The spans are discarded.
func tracing(b *testing.B, sampler string) *telemetry.Tracing {
	b.Helper()
	s, err := telemetry.NewSampler(sampler, "", false)
	if err != nil {
		b.Fatal(err)
	}
	return &telemetry.Tracing{Sampler: s, Record: func(*telemetry.Span) {}}
}

// BenchmarkTrace measures what it costs to trace a request, excluding the export of its span.
func BenchmarkTrace(b *testing.B) {
	for _, c := range []struct {
		name    string
		tracing *telemetry.Tracing
	}{{"off", nil}, {"not sampled", tracing(b, "always_off")}, {"10 a second", tracing(b, "")}, {"sampled", tracing(b, "always_on")}} {
		b.Run(c.name, func(b *testing.B) {
			api, _ := measuredAnd(c.tracing)
			x := &exchange{measure: newMeasure(api.metrics, http.MethodGet, "/items"), status: http.StatusOK, parent: b.Context()}
			x.deadline = time.Now() // all requests begin now, so the limit of 10 a second allows 10
			request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/items", http.NoBody)
			b.ReportAllocs()
			for b.Loop() {
				x.span = x.measure.trace(x, request)
				x.endSpan("")
			}
		})
	}
}
