package httpserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"superheroes/internal/telemetry"
	"superheroes/internal/telemetry/telemetrytest"
)

// traced returns an API that traces its requests, its registry, its log and its spans.
func traced(t *testing.T, sampler, argument string, cfg Config, routes ...Route) (
	*API, *telemetry.Registry, *log, *telemetrytest.Spans,
) {
	t.Helper()
	registry, spans := telemetrytest.Registry(t, sampler, argument)
	api, written := newAPI(cfg)
	api.Measure(registry.Service("test"))
	for _, route := range routes {
		api.Handle(route)
	}
	return api, registry, written, spans
}

func fails(err error) Handler { return func(http.ResponseWriter, *http.Request) error { return err } }

// serveTraced sends a request to the API. The headers are pairs of names and values.
func serveTraced(t *testing.T, api *API, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	response := httptest.NewRecorder()
	defer func() { _ = recover() }() // as net/http recovers from http.ErrAbortHandler
	api.ServeHTTP(response, request)
	return response
}

const (
	traceOfClient   = "0af7651916cd43dd8448eb211c80319c"
	spanOfClient    = "b7ad6b7169203331"
	sampledClient   = "00-" + traceOfClient + "-" + spanOfClient + "-01"
	unsampledClient = "00-" + traceOfClient + "-" + spanOfClient + "-00"
)

// TestCallersDecision checks that traces requested by clients are limited, that those of peers aren't, and that a
// request has no span if its caller decided against sampling.
func TestCallersDecision(t *testing.T) {
	for name, c := range map[string]struct {
		traceparent string
		tracestate  []string
		spans       int // number of spans for 5 requests, with a limit of 2 new traces
	}{
		"no caller":                            {"", nil, 2},
		"client":                               {sampledClient, nil, 2},
		"client, with a foreign state":         {sampledClient, []string{"a=1", "superheroes=10"}, 2},
		"client, not sampled":                  {unsampledClient, nil, 0},
		"client, invalid":                      {strings.ToUpper(sampledClient), nil, 2},
		"peer":                                 {sampledClient, []string{"superheroes=1,a=1"}, 5},
		"peer behind a proxy with a state":     {sampledClient, []string{"proxy=7 ,\tsuperheroes=1"}, 5},
		"peer, state in several headers":       {sampledClient, []string{"proxy=7", "superheroes=1"}, 5},
		"peer, not sampled":                    {unsampledClient, []string{"superheroes=1"}, 0},
		"peer's state without a valid context": {"00-0-0-01", []string{"superheroes=1"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			api, _, _, spans := traced(t, "", "2", settings(), get(ok))
			header := []string{}
			if c.traceparent != "" {
				header = append(header, traceparentHeader, c.traceparent)
			}
			for _, state := range c.tracestate {
				header = append(header, tracestateHeader, state)
			}
			for range 5 {
				serveTraced(t, api, http.MethodGet, "/", header...)
			}
			if got := len(spans.Take()); got != c.spans {
				t.Errorf("%d of 5 requests have spans, want %d", got, c.spans)
			}
		})
	}
}

// TestPassTrace checks the trace context that is sent to a peer.
func TestPassTrace(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat("aaaaaaaa=1,", 50), ",") // 549 bytes
	for name, c := range map[string]struct {
		sampler     string // "" if tracing is off
		traceparent string
		tracestate  []string
		want        string // the traceparent; <id> stands for 16 random digits
		state       string
	}{
		"off, sampled": {"", sampledClient, []string{"a=1,superheroes=1", "b=2"}, sampledClient,
			"a=1,superheroes=1,b=2"},
		"off, no context":     {"", "", []string{"a=1"}, "", ""},
		"off, state too long": {"", sampledClient, []string{long}, sampledClient, ""},
		"sampled": {"always_on", sampledClient, []string{"a=1, b=2", "c=3"},
			"00-" + traceOfClient + "-<id>-01", "superheroes=1,a=1,b=2,c=3"},
		"sampled by a peer": {"always_on", sampledClient, []string{"superheroes=1,a=1"},
			"00-" + traceOfClient + "-<id>-01", "superheroes=1,a=1"},
		"own member in the middle": {"always_on", sampledClient, []string{"a=1,superheroes=1,superheroes=15,b=2"},
			"00-" + traceOfClient + "-<id>-01", "superheroes=1,a=1,b=2"},
		"sampled, new": {"always_on", "", []string{"a=1"}, "00-<id><id>-<id>-01", "superheroes=1"},
		"state too long": {"always_on", sampledClient, []string{long}, "00-" + traceOfClient + "-<id>-01",
			"superheroes=1" + strings.Repeat(",aaaaaaaa=1", 45)},
		"not sampled": {"always_off", sampledClient, []string{"a=1"}, "00-" + traceOfClient + "-<id>-00",
			"superheroes=1,a=1"},
		"not sampled, no context": {"always_off", "", nil, "00-<id><id>-<id>-00", "superheroes=1"},
		"not sampled by the peer": {"parentbased_always_on", unsampledClient, []string{"superheroes=1"},
			"00-" + traceOfClient + "-<id>-00", "superheroes=1"},
	} {
		t.Run(name, func(t *testing.T) {
			passed := http.Header{}
			api, _, _, spans := traced(t, cmp.Or(c.sampler, "always_off"), "", settings(),
				get(func(w http.ResponseWriter, r *http.Request) error {
					PassTrace(r.Context(), c.sampler != "", passed)
					return ok(w, r)
				}))
			header := []string{baggageHeader, "a=1", baggageHeader, "b=2"}
			if c.traceparent != "" {
				header = append(header, traceparentHeader, c.traceparent)
			}
			for _, state := range c.tracestate {
				header = append(header, tracestateHeader, state)
			}
			serveTraced(t, api, http.MethodGet, "/", header...)
			got := passed.Get(traceparentHeader)
			for _, span := range spans.Take() {
				if want := span.String(); got != want {
					t.Errorf("the peer's parent is %s, want the span %s", got, want)
				}
			}
			if got == unsampledClient || got == sampledClient && c.sampler != "" {
				t.Errorf("the peer's parent is the client's span")
			}
			if !matches(got, c.want) || passed.Get(tracestateHeader) != c.state ||
				passed.Get(baggageHeader) != "a=1,b=2" {
				t.Errorf("the peer gets %v, want the parent %s and the state %s", passed, c.want, c.state)
			}
		})
	}
}

// matches reports whether text matches the pattern, in which <id> stands for 16 hexadecimal digits.
func matches(text, pattern string) bool {
	for before, rest, found := strings.Cut(pattern, "<id>"); ; before, rest, found = strings.Cut(rest, "<id>") {
		after, has := strings.CutPrefix(text, before)
		if !has || found && (len(after) < 16 || strings.Trim(after[:16], "0123456789abcdef") != "") {
			return false
		}
		if !found {
			return after == ""
		}
		text = after[16:]
	}
}

// TestRequestSpans checks the span for each kind of response: its name, its attributes, and whether it failed. Streams
// and probes have no span.
func TestRequestSpans(t *testing.T) {
	probe := route(http.MethodGet, "/readyz", ok)
	events := route(http.MethodGet, "/events", func(w http.ResponseWriter, r *http.Request) error {
		if telemetry.SpanOf(r.Context()) != nil {
			t.Error("a stream has a span, so it could start child spans")
		}
		return NewEvents(w, r).Send([]byte("data: {}\n\n"))
	})
	probe.Probe, events.Kind = true, Streams
	panics := func(cause any) Handler { return func(http.ResponseWriter, *http.Request) error { panic(cause) } }
	api, _, _, spans := traced(t, "always_on", "", settings(),
		route(http.MethodGet, "/items/{id}", ok),
		route(http.MethodPost, "/items", panics("test")),
		route(http.MethodGet, "/none", fails(Errorf(http.StatusNotFound, "test"))),
		route(http.MethodGet, "/down", fails(Unavailable("test"))),
		route(http.MethodGet, "/broken", panics(http.ErrAbortHandler)),
		route(http.MethodGet, "/half", func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write([]byte("[1,"))
			return errors.New("test")
		}), probe, events,
	)
	api.Mount("GET /page", func(w http.ResponseWriter, r *http.Request) error {
		Endless(r)
		if telemetry.SpanOf(Lasting(r.Context())) != nil {
			t.Error("a forwarded stream has a span, so it could start child spans")
		}
		return ok(w, r)
	})
	for path, want := range map[string]string{
		"GET /items/7?name=kryptonite": "GET /items/{id} failed=false http.request.method=GET url.scheme=http url.path=/items/7 http.route=/items/{id} http.response.status_code=200",
		"HEAD /items/7":                "HEAD /items/{id} failed=false http.request.method=HEAD url.scheme=http url.path=/items/7 http.route=/items/{id} http.response.status_code=200",
		"POST /items":                  "POST /items failed=true http.request.method=POST url.scheme=http url.path=/items http.route=/items http.response.status_code=500 error.type=500",
		"GET /none":                    "GET /none failed=false http.request.method=GET url.scheme=http url.path=/none http.route=/none http.response.status_code=404",
		"GET /down":                    "GET /down failed=true http.request.method=GET url.scheme=http url.path=/down http.route=/down http.response.status_code=503 error.type=503",
		"GET /broken":                  "GET /broken failed=true http.request.method=GET url.scheme=http url.path=/broken http.route=/broken error.type=aborted",
		"GET /half":                    "GET /half failed=true http.request.method=GET url.scheme=http url.path=/half http.route=/half http.response.status_code=200 error.type=aborted",
		"GET /events":                  "", "GET /page": "", "GET /readyz": "", "GET /nowhere": "", "BREW /items": "",
	} {
		method, path, _ := strings.Cut(path, " ")
		serveTraced(t, api, method, path)
		got := []string{}
		for _, span := range spans.Take() {
			text := fmt.Sprintf("%s failed=%t", span.Name, span.Failed)
			for _, a := range span.Attributes {
				text += " " + a.String()
			}
			got = append(got, text)
			if span.Kind != telemetry.ServerSpan || span.Parent != "" {
				t.Errorf("%s: got %+v", path, span)
			}
		}
		if diff := gocmp.Diff(want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("%s %s: %s", method, path, diff)
		}
	}
}

// TestTraceIDs checks the ids in problems, log lines and exemplars. For a sampled request, they are those of its span.
// For other requests, they are the ids that the client has sent, and there is no exemplar.
func TestTraceIDs(t *testing.T) {
	cfg := settings()
	cfg.AccessLog = true
	for _, sampler := range []string{"always_on", "always_off"} {
		api, registry, written, spans := traced(t, sampler, "", cfg, get(fails(errors.New("test"))))
		response := serveTraced(t, api, http.MethodGet, "/", traceparentHeader, sampledClient)
		ids, exemplars := telemetry.Traceparent{TraceID: traceOfClient, SpanID: spanOfClient}, 0
		for _, span := range spans.Take() {
			ids, exemplars = span.Traceparent, 1
		}
		if (exemplars == 1) != (sampler == "always_on") || (ids.SpanID == spanOfClient) == (exemplars == 1) {
			t.Fatalf("%s: the request's span is %s", sampler, ids)
		}
		var problem Problem
		if err := json.Unmarshal(response.Body.Bytes(), &problem); err != nil || problem.TraceID != traceOfClient {
			t.Errorf("%s: the problem has the trace id %s, error %v", sampler, problem.TraceID, err)
		}
		lines := written.lines()
		for _, line := range lines {
			if !strings.Contains(line, "trace_id="+ids.TraceID+" span_id="+ids.SpanID) {
				t.Errorf("%s: logged %s, want the ids %s", sampler, line, ids)
			}
		}
		if len(lines) != 2 {
			t.Errorf("%s: logged %q, want one line for the failure and one for the request", sampler, lines)
		}
		for _, family := range registry.Gather() {
			if family.Family != telemetry.HTTPServerDuration {
				continue
			}
			found := slices.DeleteFunc(family.Series[0].Histogram.Exemplars,
				func(e *telemetry.Exemplar) bool { return e == nil })
			if len(found) != exemplars || exemplars == 1 && (found[0].TraceID != ids.TraceID ||
				found[0].SpanID != ids.SpanID) {
				t.Errorf("%s: the exemplars are %v, want the span %s if it is sampled", sampler, found, ids)
			}
		}
	}
}

// TestListsAreTraced checks that the steps of a list, which have their own contexts, belong to the request's span.
func TestListsAreTraced(t *testing.T) {
	list := get(func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := NewStream(w, r).Step()
		defer cancel()
		if telemetry.SpanOf(ctx) == nil || telemetry.SpanOf(ctx) != telemetry.SpanOf(r.Context()) {
			t.Error("a step of a list doesn't belong to the request's span")
		}
		return ok(w, r)
	})
	api, _, _, spans := traced(t, "always_on", "", settings(), list)
	if serveTraced(t, api, http.MethodGet, "/"); len(spans.Take()) != 1 {
		t.Error("the list has no span")
	}
}

// TestTracesInOneProcess checks that a request within the process belongs to its caller's trace, whatever headers the
// client has sent.
func TestTracesInOneProcess(t *testing.T) {
	for _, sampler := range []string{"always_on", "always_off"} {
		inner, _, _, innerSpans := traced(t, "always_on", "", settings(), get(ok))
		outer, _, _, outerSpans := traced(t, sampler, "", settings())
		outer.Mount("GET /", func(w http.ResponseWriter, r *http.Request) error {
			inner.ServeHTTP(w, r)
			return nil
		})
		serveTraced(t, outer, http.MethodGet, "/", traceparentHeader, sampledClient, tracestateHeader,
			"superheroes=1")
		callers, served := outerSpans.Take(), innerSpans.Take()
		if len(callers) != len(served) {
			t.Fatalf("%s: the caller has the spans %v, and the inner service %v", sampler, callers, served)
		}
		for i, span := range served {
			if span.Parent != callers[i].SpanID || span.Kind != telemetry.InternalSpan ||
				callers[i].Kind != telemetry.ServerSpan || callers[i].Parent != spanOfClient {
				t.Errorf("the caller has the span %+v, and the inner service %+v", callers[i], span)
			}
		}
	}
}

// TestTracingCost checks that a request that isn't sampled costs as many allocations with tracing on as with tracing
// off.
func TestTracingCost(t *testing.T) {
	cost := func(sampler string) float64 {
		api, _ := measured(get(ok))
		if sampler != "" {
			api, _, _, _ = traced(t, sampler, "", settings(), get(ok))
		}
		request := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody)
		return testing.AllocsPerRun(100, func() { api.ServeHTTP(discarded{http.Header{}}, request) })
	}
	if off, unsampled := cost(""), cost("always_off"); off != unsampled {
		t.Errorf("a request costs %g allocations with tracing off and %g if it isn't sampled", off, unsampled)
	}
}
