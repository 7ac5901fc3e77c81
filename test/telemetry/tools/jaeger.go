package tools

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"

	"superheroes/test/program"
	"superheroes/test/system"
)

// Jaeger is a running Jaeger that stores traces in memory.
type Jaeger struct {
	URL  string // base URL of its API
	OTLP string // base URL for OTLP over HTTP
}

// StartJaeger starts Jaeger.
func StartJaeger(tb testing.TB) *Jaeger {
	tb.Helper()
	query, otlp := system.FreeAddr(tb), system.FreeAddr(tb)
	config := fmt.Sprintf(`
receivers:
  otlp: {protocols: {http: {endpoint: %s}}}
extensions:
  jaeger_storage: {backends: {memory: {memory: {max_traces: 200000}}}}
  jaeger_query: {storage: {traces: memory}, http: {endpoint: %s}, grpc: {endpoint: "127.0.0.1:0"}}
exporters:
  jaeger_storage_exporter: {trace_storage: memory}
service:
  extensions: [jaeger_storage, jaeger_query]
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines:
    traces: {receivers: [otlp], exporters: [jaeger_storage_exporter]}
`, otlp, query)
	p := system.Start(tb, Path(tb, "jaeger"), nil, "--config="+file(tb, config))
	p.Ready(tb, "http://"+query+"/api/services")
	listens(tb, p, otlp)
	return &Jaeger{"http://" + query, "http://" + otlp}
}

// Span is a span of a trace.
type Span struct {
	ID, Parent, Service, Name string // Parent is "" for a root span
	Links                     []SpanContext
	Attributes                map[string]any // including a few that Jaeger adds
}

// trace is a trace in the format of Jaeger's API.
type trace struct {
	Spans []struct {
		SpanID        string
		OperationName string
		ProcessID     string
		References    []struct{ RefType, SpanID, TraceID string }
		Tags          []struct {
			Key   string
			Value any
		}
	}
	TraceID   string
	Processes map[string]struct{ ServiceName string }
}

func (t trace) spans() []Span {
	spans := make([]Span, len(t.Spans))
	for i, s := range t.Spans {
		service := t.Processes[s.ProcessID].ServiceName
		spans[i] = Span{ID: s.SpanID, Service: service, Name: s.OperationName, Attributes: map[string]any{}}
		for _, tag := range s.Tags {
			spans[i].Attributes[tag.Key] = tag.Value
		}
		for _, r := range s.References {
			if r.RefType == "CHILD_OF" {
				spans[i].Parent = r.SpanID
			} else {
				spans[i].Links = append(spans[i].Links, SpanContext{r.TraceID, r.SpanID})
			}
		}
	}
	return spans
}

// Services returns the names of all services whose spans Jaeger has.
func (j *Jaeger) Services(tb testing.TB) []string {
	tb.Helper()
	var response struct{ Data []string }
	get(tb, j.URL, "/api/services", nil, &response)
	return response.Data
}

// Traces returns the newest traces that contain a span of the service, by trace id.
func (j *Jaeger) Traces(tb testing.TB, service string, atMost int) map[string][]Span {
	tb.Helper()
	var response struct{ Data []trace }
	get(tb, j.URL, "/api/traces", url.Values{"service": {service}, "limit": {fmt.Sprint(atMost)}}, &response)
	traces := map[string][]Span{}
	for _, t := range response.Data {
		traces[t.TraceID] = t.spans()
	}
	return traces
}

// Trace returns the spans of a trace, or none if Jaeger doesn't have the trace.
func (j *Jaeger) Trace(tb testing.TB, id string) []Span {
	tb.Helper()
	body, err := program.Get(tb.Context(), j.URL+"/api/traces/"+id)
	if err != nil {
		return nil // a 404
	}
	var response struct{ Data []trace }
	if err := json.Unmarshal(body, &response); err != nil || len(response.Data) != 1 {
		tb.Fatalf("trace %s: %v, %d traces", id, err, len(response.Data))
	}
	return response.Data[0].spans()
}
