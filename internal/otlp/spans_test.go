package otlp

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"superheroes/internal/telemetry"
	"superheroes/test/await"
)

// spanCollector receives spans, and responds with a status that the test can change.
type spanCollector struct {
	url    string
	status atomic.Int32
	mu     sync.Mutex
	data   []*tracev1.TracesData // accepted requests
	asked  int
}

func newSpanCollector(t *testing.T, status int) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	c.status.Store(int32(status))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		data := &tracev1.TracesData{} // has the same form as an ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, data)
		}
		if err != nil {
			t.Error(err)
		}
		status := int(c.status.Load())
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked++
		if status == http.StatusOK {
			c.data = append(c.data, data)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// requests returns the number of requests so far.
func (c *spanCollector) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// names returns the number of times each span has been accepted, by name.
func (c *spanCollector) names() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]int{}
	for _, data := range c.data {
		for _, resource := range data.ResourceSpans {
			for _, span := range resource.ScopeSpans[0].Spans {
				names[span.Name]++
			}
		}
	}
	return names
}

// startSpans starts an exporter that sends only spans.
func startSpans(t *testing.T, url string, interval time.Duration, log io.Writer) (*Exporter, *Spans) {
	t.Helper()
	cfg := fromEnv(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_METRICS_EXPORTER": "none",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
		"OTEL_BSP_SCHEDULE_DELAY":  fmt.Sprint(interval.Milliseconds()),
	})
	q := NewSpans()
	return Start(cfg, registry(), q, "v1", slog.New(slog.NewTextHandler(log, nil))), q
}

// named returns an ended span with the given name.
func named(name string) *telemetry.Span {
	now := time.Now()
	id := telemetry.Traceparent{TraceID: strings.Repeat("ab", 16), SpanID: strings.Repeat("cd", 8), Sampled: true}
	return &telemetry.Span{
		Traceparent: id, Service: "fights", Name: name, Kind: telemetry.ServerSpan, Begun: now, Ended: now,
	}
}

// TestSpanEncoding checks every field of a span that a collector receives.
func TestSpanEncoding(t *testing.T) {
	collector := newSpanCollector(t, http.StatusOK)
	e, q := startSpans(t, collector.url, time.Hour, io.Discard)
	begun := time.Unix(1e9, 7)
	link := telemetry.Traceparent{TraceID: strings.Repeat("12", 16), SpanID: strings.Repeat("34", 8), Sampled: true}
	full := named("INSERT fight")
	full.Parent, full.Kind, full.Failed = strings.Repeat("ef", 8), telemetry.ClientSpan, true
	full.Begun, full.Ended = begun, begun.Add(time.Millisecond)
	full.Set(slog.String("db.system.name", "sqlité"), slog.Int("db.operation.batch.size", 3),
		slog.Int("negative", -1), slog.String("empty", ""))
	full.Link(link)
	full.Link(telemetry.Traceparent{}) // ignored
	q.Record(full)
	bare := named("GET /")
	bare.Service, bare.Begun, bare.Ended = "arena", begun, begun
	q.Record(bare)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	text := func(key, value string) *commonv1.KeyValue {
		wrapped := &commonv1.AnyValue{Value: &commonv1.AnyValue_StringValue{StringValue: value}}
		return &commonv1.KeyValue{Key: key, Value: wrapped}
	}
	number := func(key string, value int64) *commonv1.KeyValue {
		wrapped := &commonv1.AnyValue{Value: &commonv1.AnyValue_IntValue{IntValue: value}}
		return &commonv1.KeyValue{Key: key, Value: wrapped}
	}
	id := func(two string, n int) []byte { return bytes.Repeat([]byte{two[0]}, n) }
	want := map[string]*tracev1.Span{
		"arena": {
			TraceId: id("\xab", 16), SpanId: id("\xcd", 8), Name: "GET /", Kind: tracev1.Span_SPAN_KIND_SERVER,
			StartTimeUnixNano: 1e18 + 7, EndTimeUnixNano: 1e18 + 7,
		},
		"fights": {
			TraceId: id("\xab", 16), SpanId: id("\xcd", 8), ParentSpanId: id("\xef", 8), Name: "INSERT fight",
			Kind:              tracev1.Span_SPAN_KIND_CLIENT,
			StartTimeUnixNano: 1e18 + 7, EndTimeUnixNano: 1e18 + 7 + 1e6,
			Attributes: []*commonv1.KeyValue{text("db.system.name", "sqlité"), number("db.operation.batch.size", 3),
				number("negative", -1), text("empty", "")},
			Links:  []*tracev1.Span_Link{{TraceId: id("\x12", 16), SpanId: id("\x34", 8)}},
			Status: &tracev1.Status{Code: tracev1.Status_STATUS_CODE_ERROR},
		},
	}
	for _, resource := range collector.data[0].ResourceSpans {
		attributes := map[string]string{}
		for _, a := range resource.Resource.Attributes {
			attributes[a.Key] = a.Value.GetStringValue()
		}
		service := attributes["service.name"]
		if attributes["service.version"] != "v1" || attributes["deployment.environment.name"] != "test" ||
			attributes["service.instance.id"] == "" {
			t.Errorf("the resource has the attributes %v", attributes)
		}
		if diff := cmp.Diff([]*tracev1.Span{want[service]}, resource.ScopeSpans[0].Spans,
			protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", service, diff)
		}
		delete(want, service)
	}
	if len(want) > 0 {
		t.Errorf("these spans are missing: %v", want)
	}
}

// TestCollectorRecovers checks that spans are sent again after a temporary failure, and that no span is accepted twice.
// Spans that the collector rejects for good are dropped, and don't hold up later ones.
func TestCollectorRecovers(t *testing.T) {
	lose := map[int]bool{429: false, 502: false, 503: false, 504: false, 400: true, 413: true, 500: true}
	for status, lost := range lose {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			collector := newSpanCollector(t, status)
			e, q := startSpans(t, collector.url, time.Millisecond, io.Discard)
			q.Record(named("first"))
			await.True(t, "the collector gets a request", func() bool { return collector.requests() > 0 })
			if lost {
				await.True(t, "the span is dropped", func() bool { return q.failed.Value() == 1 })
			} else {
				await.True(t, "the collector gets more requests", func() bool {
					return collector.requests() > 2 || q.failed.Value() > 0
				})
			}
			collector.status.Store(http.StatusOK)
			q.Record(named("second"))
			await.True(t, "the second span is sent", func() bool { return collector.names()["second"] == 1 })
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			want, sent, failed := map[string]int{"first": 1, "second": 1}, uint64(2), uint64(0)
			if lost {
				want, sent, failed = map[string]int{"second": 1}, 1, 1
			}
			if diff := cmp.Diff(want, collector.names()); diff != "" {
				t.Error(diff)
			}
			if q.sent.Value() != sent || q.failed.Value() != failed || q.bytes != 0 || q.piles[0].spans != 0 {
				t.Errorf("%d spans were sent and %d were lost; %d bytes are queued", q.sent.Value(), q.failed.Value(), q.bytes)
			}
		})
	}
}

// TestRejectedBatchAtTheStop checks that if the collector rejects a batch while the process stops, the spans after it
// are still sent.
func TestRejectedBatchAtTheStop(t *testing.T) {
	begun, may := make(chan struct{}), make(chan int)
	var names []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		data := &tracev1.TracesData{}
		_ = proto.Unmarshal(body, data)
		names = append(names, data.ResourceSpans[0].ScopeSpans[0].Spans[0].Name)
		begun <- struct{}{}
		w.WriteHeader(<-may)
	}))
	defer server.Close()
	e, q := startSpans(t, server.URL, time.Millisecond, io.Discard)
	q.Record(named("first"))
	await.Value(t, "the first export", begun)
	q.Record(named("second"))
	closed := make(chan error, 1)
	go func() { closed <- e.Close() }()
	<-e.closing
	may <- http.StatusServiceUnavailable // the batch will be sent again
	await.Value(t, "the first batch again", begun)
	may <- http.StatusBadRequest
	await.Value(t, "the second batch", begun)
	may <- http.StatusOK
	if err := await.Value(t, "the stop", closed); err != nil || q.sent.Value() != 1 || q.failed.Value() != 1 {
		t.Errorf("got %v, %d sent and %d lost: %q", err, q.sent.Value(), q.failed.Value(), names)
	}
}

// TestQueueIsLimited checks that a single limit applies to the queue together with the batch being sent to a hanging
// collector. Spans beyond the limit are dropped and counted, and recording never waits. Close returns in time, and
// counts the lost spans.
func TestQueueIsLimited(t *testing.T) {
	begun, release := make(chan struct{}, 10), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		begun <- struct{}{}
		<-release
	}))
	defer server.Close()
	defer close(release)
	var log strings.Builder
	e, q := startSpans(t, server.URL, time.Hour, &log)
	const spans = 20_000 // of 1 KB, in four goroutines
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range spans / 4 {
				span := named("GET /")
				span.Set(slog.String("url.path", strings.Repeat("x", 1000)))
				q.Record(span)
				if i == fullBatch { // wakes the exporter, whose interval is an hour
					await.Value(t, "an export", begun)
					begun <- struct{}{} // for the other goroutines
				}
			}
		})
	}
	group.Wait() // while the collector hangs
	dropped := q.dropped.Value()
	queued := spans - dropped
	if q.bytes > maxQueued || q.bytes < maxQueued*9/10 || dropped < spans/2 || dropped == spans {
		t.Errorf("%d bytes of %d spans are queued, and %d were dropped", q.bytes, queued, dropped)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if q.taken.Value() != queued || q.failed.Value() != queued || q.sent.Value() != 0 || q.bytes != 0 ||
		!strings.Contains(log.String(), "spans were lost") {
		t.Errorf("of %d spans, %d were sent and %d counted as lost, %d bytes are queued: %s", queued, q.sent.Value(),
			q.failed.Value(), q.bytes, log.String())
	}
}

// TestResourceAttributes checks that no attribute of a resource has two values.
func TestResourceAttributes(t *testing.T) {
	configured := [][2]string{{"service.name", "shop"}, {"a", "1"}, {"service.instance.id", "7"}, {"a", "2"}}
	want := [][2]string{{"a", "1"}, {"service.instance.id", "7"}, {"service.version", "v1"}}
	if got := resourceAttributes(configured, "v1"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestPartialSuccess checks that the number of rejected spans is read from a collector's response, and is 0 for any
// other content.
func TestPartialSuccess(t *testing.T) {
	for response, want := range map[string]int{
		"": 0, "\x0a\x00": 0, "\x0a\x02\x08\x03": 3, "\x0a\x05\x08\x03\x12\x01x": 3, "\x0a\x05\x12\x01x\x08\x03": 3,
		"\x10\x01\x0a\x02\x08\x03": 3, "\x0a\x03\x12\x01x": 0, "\x0a\x02\x08": 0, "\x0a\x02\x08\x83": 0,
		"\x0a\x0b\x08" + strings.Repeat("\xff", 9) + "\x01": math.MaxInt32,
		"<html>": 0, `{"partialSuccess":{"rejectedSpans":"3"}}`: 0,
	} {
		if got := rejectedSpans([]byte(response)); got != want {
			t.Errorf("%q: got %d rejected spans, want %d", response, got, want)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("\x0a\x02\x08\x03"))
	}))
	defer server.Close()
	e, q := startSpans(t, server.URL, time.Hour, io.Discard)
	for range 5 {
		q.Record(named("GET /"))
	}
	if err := e.Close(); err != nil || q.sent.Value() != 2 || q.rejected.Value() != 3 || q.failed.Value() != 0 ||
		q.taken.Value() != 5 {
		t.Errorf("got %v, with %d spans sent and %d rejected of 5", err, q.sent.Value(), q.rejected.Value())
	}
}
