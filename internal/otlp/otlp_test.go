package otlp

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"superheroes/internal/telemetry"
	"superheroes/test/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// received is an export that a collector has received.
type received struct {
	header http.Header
	path   string
	data   *metricsv1.MetricsData
}

// collector starts a collector that responds with the given status.
func collector(t *testing.T, status int) (url string, exports <-chan received) {
	t.Helper()
	got := make(chan received, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		data := &metricsv1.MetricsData{} // has the same form as an ExportMetricsServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, data)
		}
		if err != nil {
			t.Error(err)
		}
		got <- received{r.Header, r.URL.Path, data}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// registry returns a registry with one series of each type.
func registry() *telemetry.Registry {
	r := telemetry.NewRegistry(nil)
	fights := r.Service("fights")
	var refused telemetry.Counter
	refused.Add(7)
	fights.Counter(telemetry.LimitRefused, &refused, "reads")
	fights.Func(telemetry.Draining, func() float64 { return 1 })
	h := telemetry.NewHistogram(telemetry.DBClientDuration)
	h.Observe(int64(300 * time.Microsecond))
	h.ObserveIn(int64(time.Minute), &telemetry.Span{Traceparent: telemetry.Traceparent{TraceID: strings.Repeat("ab", 16), SpanID: strings.Repeat("cd", 8)}})
	fights.Histogram(h, "sqlite", "fight", "INSERT", "INSERT fight", "")
	r.Service("heroes").Func(telemetry.Draining, func() float64 { return 0 })
	r.Service("superheroes").AddRuntime()
	return r
}

func start(t *testing.T, cfg Config, log io.Writer) *Exporter {
	t.Helper()
	return Start(cfg, registry(), NewSpans(), "v1", slog.New(slog.NewTextHandler(log, nil)))
}

// fromEnv returns the settings for the given environment variables.
func fromEnv(t *testing.T, variables map[string]string) Config {
	t.Helper()
	cfg, err := FromEnv(func(name string) string { return variables[name] }, false)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestExport(t *testing.T) {
	url, exports := collector(t, http.StatusOK)
	headers := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(headers, []byte("Authorization=Basic%20abc, x-tenant=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, fromEnv(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": url + "/", "OTEL_EXPORTER_OTLP_HEADERS_FILE": headers,
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test", "OTEL_METRIC_EXPORT_INTERVAL": "1",
	}), io.Discard)
	got := await.Value(t, "an export", exports)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if got.path != "/v1/metrics" || got.header.Get("Authorization") != "Basic abc" || got.header.Get("X-Tenant") != "1" ||
		got.header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("got %s with %v", got.path, got.header)
	}
	found := map[string]string{}
	for _, resource := range got.data.ResourceMetrics {
		attributes := map[string]string{}
		for _, a := range resource.Resource.Attributes {
			attributes[a.Key] = a.Value.GetStringValue()
		}
		service := attributes["service.name"]
		if attributes["service.version"] != "v1" || attributes["deployment.environment.name"] != "test" {
			t.Errorf("the resource has the attributes %v", attributes)
		}
		for _, m := range resource.ScopeMetrics[0].Metrics {
			found[service+" "+m.Name] = m.Unit
			switch service + " " + m.Name {
			case "fights superheroes.limit.refused":
				sum := m.GetSum()
				if p := sum.DataPoints[0]; p.GetAsDouble() != 7 || !sum.IsMonotonic || sum.AggregationTemporality != 2 ||
					p.Attributes[0].Value.GetStringValue() != "fights" || p.Attributes[1].Key != "kind" || p.Attributes[1].Value.GetStringValue() != "reads" || p.StartTimeUnixNano > p.TimeUnixNano {
					t.Errorf("got %v", m)
				}
			case "fights superheroes.draining":
				if m.GetGauge().DataPoints[0].GetAsDouble() != 1 {
					t.Errorf("got %v", m)
				}
			case "fights db.client.operation.duration":
				checkHistogram(t, m.GetHistogram().DataPoints[0])
			case "superheroes go_gc_duration_seconds":
				if len(m.GetSummary().DataPoints[0].QuantileValues) != 5 {
					t.Errorf("got %v", m)
				}
			}
		}
	}
	for name, unit := range map[string]string{
		"fights superheroes.limit.refused": "{request}", "fights superheroes.draining": "", "heroes superheroes.draining": "",
		"fights db.client.operation.duration": "s", "superheroes go_gc_duration_seconds": "s", "superheroes process_cpu_seconds_total": "s",
	} {
		if got, there := found[name]; !there || got != unit {
			t.Errorf("%s has the unit %q, want %q", name, got, unit)
		}
	}
}

func checkHistogram(t *testing.T, p *metricsv1.HistogramDataPoint) {
	t.Helper()
	if p.Count != 2 || p.GetSum() != 60.0003 || len(p.BucketCounts) != len(p.ExplicitBounds)+1 || p.BucketCounts[2] != 1 ||
		p.BucketCounts[len(p.BucketCounts)-1] != 1 || p.ExplicitBounds[2] != 0.0005 {
		t.Errorf("got %v", p)
	}
	if len(p.Exemplars) != 1 || p.Exemplars[0].GetAsDouble() != 60 || p.Exemplars[0].TraceId[0] != 0xab || len(p.Exemplars[0].SpanId) != 8 {
		t.Errorf("the exemplars are %v", p.Exemplars)
	}
}

// TestCollectorInTrouble checks that if the collector refuses an export, hangs or is gone, a warning without secrets is
// logged, and the exporter still stops.
func TestCollectorInTrouble(t *testing.T) {
	refusing, exports := collector(t, http.StatusServiceUnavailable)
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(release) })
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, url := range map[string]string{"refuses": refusing, "hangs": hanging.URL, "is gone": gone.URL} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			e := start(t, fromEnv(t, map[string]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=kryptonite",
				"OTEL_EXPORTER_OTLP_TIMEOUT": "50", "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
			}), &log)
			if err := e.Close(); err != nil { // exports a last time
				t.Error(err)
			}
			if text := log.String(); strings.Count(text, "could not be sent") != 1 || strings.Contains(text, "kryptonite") {
				t.Errorf("logged %s", text)
			}
		})
	}
	await.Value(t, "the refused export", exports)
}

// TestFromEnv checks the defaults, and that the error for an invalid value names the variable, but contains no secret.
func TestFromEnv(t *testing.T) {
	if cfg := fromEnv(t, nil); !cfg.Nothing() || cfg.Timeout != 10*time.Second || cfg.MetricsInterval != time.Minute {
		t.Errorf("the defaults are %+v", cfg)
	}
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	off := map[string]string{endpoint: "http://collector:4318", "OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_SAMPLER": "xray"}
	if cfg := fromEnv(t, off); !cfg.Nothing() {
		t.Errorf("got %+v", cfg)
	}
	lists := map[string]string{endpoint: "http://collector:4318", "OTEL_METRICS_EXPORTER": "prometheus", "OTEL_TRACES_EXPORTER": "console,otlp"}
	if cfg := fromEnv(t, lists); cfg.MetricsURL != "" || cfg.TracesURL != "http://collector:4318/v1/traces" {
		t.Errorf("got %+v", cfg)
	}
	for _, wrong := range [][2]string{
		{endpoint, "kryptonite:4318"}, {endpoint, "http://u:kryptonite@collector"},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "0"}, {"OTEL_METRIC_EXPORT_INTERVAL", "1s"}, {"OTEL_EXPORTER_OTLP_HEADERS", "kryptonite"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "a b=1"}, {"OTEL_EXPORTER_OTLP_HEADERS", "a=1%0d"},
		{"OTEL_EXPORTER_OTLP_HEADERS_FILE", "/nowhere/headers"}, {"OTEL_RESOURCE_ATTRIBUTES", "a=%zz"}, {"OTEL_RESOURCE_ATTRIBUTES", "a=%ff"},
		{"OTEL_TRACES_SAMPLER", "kryptonite"},
	} {
		variables := map[string]string{endpoint: "http://collector:4318", wrong[0]: wrong[1]}
		_, err := FromEnv(func(name string) string { return variables[name] }, false)
		if err == nil || !strings.HasPrefix(err.Error(), wrong[0]+":") || strings.Contains(err.Error(), "kryptonite") {
			t.Errorf("%s: got %v", wrong[0], err)
		}
	}
}
