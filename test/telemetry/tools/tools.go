// Package tools starts the programs that receive the services' telemetry, for tests: Prometheus, an OpenTelemetry
// collector and Jaeger. Each program has its own loopback ports and stores its data in a temporary folder.
//
// `make telemetry-tools` builds the programs. A test that needs a missing program is skipped, or fails under
// `make telemetry-test`.
package tools

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"superheroes/test/engines/find"
	"superheroes/test/program"
	"superheroes/test/system"
)

// Folder is the environment variable for the folder that contains the tools. If it is set, a test fails if a tool is
// missing. The default is the folder build of the main module.
const Folder = "TEST_TELEMETRY_TOOLS"

// Path returns the path of a tool: prometheus, promtool, amtool, otelcol or jaeger.
func Path(tb testing.TB, name string) string {
	tb.Helper()
	folder := os.Getenv(Folder)
	required := folder != ""
	if !required {
		module, err := find.Module(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		folder = filepath.Join(module, "build")
	}
	path := filepath.Join(folder, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	const reason = "needs %s, which `make telemetry-tools` builds"
	if required {
		tb.Fatalf(reason, name)
	}
	tb.Skipf(reason, name)
	return ""
}

// file writes a configuration file and returns its path.
func file(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "config.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// get calls the API of a tool with a path and query parameters, and decodes the JSON response.
func get(tb testing.TB, base, path string, query url.Values, into any) {
	tb.Helper()
	body, err := program.Get(tb.Context(), base+path+"?"+query.Encode())
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
}

// listens waits until a process accepts connections.
func listens(tb testing.TB, p *system.Process, addr string) {
	tb.Helper()
	for {
		connection, err := (&net.Dialer{}).DialContext(tb.Context(), "tcp", addr)
		if err == nil {
			_ = connection.Close()
			return
		}
		select {
		case <-p.Ended():
			tb.Fatalf("exited with code %d:\n%s", p.ExitCode(), &p.Stderr)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Collector starts a collector with a YAML configuration, and returns its base URL for OTLP over HTTP, which is the
// value for OTEL_EXPORTER_OTLP_ENDPOINT. In the configuration, ${OTLP_ADDR} stands for the receiver's address.
func Collector(tb testing.TB, config string) string {
	tb.Helper()
	addr := system.FreeAddr(tb)
	p := system.Start(tb, Path(tb, "otelcol"), []string{"OTLP_ADDR=" + addr}, "--config="+file(tb, config))
	listens(tb, p, addr)
	return "http://" + addr
}

// Forward returns a collector configuration that sends metrics to Prometheus and traces to Jaeger.
func Forward(prometheus *Prometheus, jaeger *Jaeger) string {
	return fmt.Sprintf(`
receivers:
  otlp: {protocols: {http: {endpoint: "${OTLP_ADDR}"}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 512}
  batch:
exporters:
  otlp_http/prometheus: {endpoint: %s/api/v1/otlp}
  otlp_http/jaeger: {endpoint: %s}
service:
  telemetry: {metrics: {level: none}, logs: {level: warn}}
  pipelines:
    metrics: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_http/prometheus]}
    traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_http/jaeger]}
`, prometheus.URL, jaeger.OTLP)
}
