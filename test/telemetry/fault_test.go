package telemetry_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"superheroes/test/await"
	"superheroes/test/system"
	"superheroes/test/telemetry/tools"
)

// TestFault kills a service under load and investigates the fault as an operator would: alerts name the service, an
// exemplar of a failed call leads to the call's trace, and the alerts are resolved once the service is back.
func TestFault(t *testing.T) {
	executable, stores, jaeger := system.Build(t), system.RealStores(t), tools.StartJaeger(t)
	s := system.FourWith(t, executable, stores, []string{
		sampleAll, "PROFILE=strict", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + jaeger.OTLP + "/v1/traces",
	})
	scrape := tools.Scrape(slices.Collect(maps.Values(s.Admins))...)
	prometheus := tools.StartPrometheus(t, scrape+"rule_files: ["+impatient(t)+"]\n")
	fires := func(alert, labels string) bool {
		return len(prometheus.Query(t, fmt.Sprintf(`ALERTS{alertstate="firing", alertname=%q, %s}`, alert, labels))) > 0
	}
	down := fmt.Sprintf("instance=%q", host(s.Admins["villains"]))
	load := startLoad(t, s.Fights, 20, nil)
	await.True(t, "fights are executed", func() bool { return load.sent.Load() > 20 })

	s.Processes["villains"].Signal(t, syscall.SIGKILL)
	s.Processes["villains"].Wait(t, exitTime)
	await.True(t, "ServiceDown fires", func() bool { return fires("ServiceDown", down) })
	await.True(t, "BreakerOpen fires", func() bool { return fires("BreakerOpen", `service="fights", peer="villains"`) })
	await.True(t, "ErrorBudgetBurn fires", func() bool { return fires("ErrorBudgetBurn", `slo="fights", severity="page"`) })

	failed := map[tools.SpanContext]bool{}
	await.True(t, "a failed call has an exemplar", func() bool {
		failed = prometheus.Exemplars(t, `http_client_request_duration_seconds_bucket{peer="villains", error_type!=""}`)
		return len(failed) > 0
	})
	for call := range failed {
		await.True(t, "the exemplar leads to the failed call", func() bool {
			return slices.ContainsFunc(jaeger.Trace(t, call.Trace), func(span tools.Span) bool {
				return span.ID == call.Span && span.Service == "fights" && span.Name == "GET /api/villains/random_villain"
			})
		})
	}

	restarted := system.Start(t, executable, []string{
		"ADDR=" + host(s.Villains), "ADMIN_ADDR=" + host(s.Admins["villains"]), "DATABASE_URL=" + stores.Villains,
	}, "villains")
	restarted.Ready(t, s.Villains+"/readyz")
	await.True(t, "the alerts are resolved", func() bool {
		return !fires("ServiceDown", down) && !fires("BreakerOpen", `peer="villains"`)
	})
}

// impatient returns the path of a copy of the rules in which every interval and every "for" is one second.
func impatient(t *testing.T) string {
	t.Helper()
	rules, err := os.ReadFile(filepath.Join(deploy, "chart", "superheroes", "files", "rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := regexp.MustCompile(`(?m)^( +)(?:for|interval): \d+m$`).ReplaceAllFunc(rules, func(line []byte) []byte {
		key, _, _ := strings.Cut(string(line), ":")
		return []byte(key + ": 1s")
	})
	path := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// host returns the host and port of a base URL.
func host(base string) string { return strings.TrimPrefix(base, "http://") }
