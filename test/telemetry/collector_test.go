package telemetry_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"superheroes/test/await"
	"superheroes/test/system"
	"superheroes/test/telemetry/tools"
)

// TestCollectors checks that fights succeed even if the collector fails, that dropped spans are counted, and that the
// process still exits.
func TestCollectors(t *testing.T) {
	tools.Path(t, "prometheus") // before anything is built
	for _, c := range []struct {
		name  string
		url   func(*testing.T) string
		works bool
	}{
		{"working", answering(http.StatusOK), true},
		{"refusing", answering(http.StatusServiceUnavailable), false},
		{"dead", dead, false},
		{"slow", slow, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := []string{sampleAll, "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.url(t)}
			s, admins := one(t, system.Build(t), env...)
			prometheus := tools.StartPrometheus(t, tools.Scrape(admins...))
			count := func(metric string) float64 { return prometheus.Value(t, "sum("+metric+")") }
			sent := func() float64 { return count(`otel_sdk_exporter_span_exported_total{error_type=""}`) }
			dropped := func() float64 { return count(`otel_sdk_processor_span_processed_total{error_type!=""}`) }
			load := startLoad(t, s.Fights, 400, nil)
			if c.works {
				await.True(t, "10,000 spans are sent", func() bool { return sent() > 10_000 })
			} else {
				await.True(t, "spans are dropped", func() bool { return dropped() > 0 })
			}
			load.stop()
			if load.failed.Load() > 0 || c.works && dropped() > 0 {
				t.Errorf("%d of %d fights failed; %g spans dropped", load.failed.Load(), load.sent.Load(), dropped())
			}
			begun := time.Now()
			s.Processes["fights"].Signal(t, syscall.SIGTERM)
			if code := s.Processes["fights"].Wait(t, exitTime); code != 0 {
				t.Errorf("exit code %d", code)
			}
			t.Logf("%d fights; the process exited after %s", load.sent.Load(), time.Since(begun))
		})
	}
}

// answering returns a function that starts a collector and returns its URL. The collector responds to each request with
// the given status.
func answering(status int) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		answer := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
		collector := httptest.NewServer(http.HandlerFunc(answer))
		t.Cleanup(collector.Close)
		return collector.URL
	}
}

// dead returns the URL of a collector that isn't running.
func dead(t *testing.T) string {
	t.Helper()
	return "http://" + system.FreeAddr(t)
}

// slow returns the URL of a collector that accepts connections but never responds.
func slow(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String()
}
