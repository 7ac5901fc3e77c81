package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAlerts checks that every alert has a severity, a summary and a description, that docs/operate.md has a section
// about the alert, and that it fires in a test of the rules.
func TestAlerts(t *testing.T) {
	runbook := read(t, "../docs/operate.md")
	tests := read(t, "alerts/rules_test.yml") + read(t, "alerts/tickets_test.yml")
	for _, rule := range alertRules(t) {
		if rule.Record != "" {
			continue
		}
		if severity := rule.Labels["severity"]; !slices.Contains([]string{"page", "ticket"}, severity) {
			t.Errorf("%s has the severity %q", rule.Alert, severity)
		}
		if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
			t.Errorf("%s has no summary or no description", rule.Alert)
		}
		if want := "docs/operate.md#" + strings.ToLower(rule.Alert); rule.Annotations["runbook"] != want {
			t.Errorf("the runbook of %s is %s, want %s", rule.Alert, rule.Annotations["runbook"], want)
		}
		if !regexp.MustCompile(`(?m)^#+ ` + rule.Alert + `$`).MatchString(runbook) {
			t.Errorf("docs/operate.md has no section %s", rule.Alert)
		}
		if !regexp.MustCompile(`alertname: ` + rule.Alert + `\n +exp_alerts:`).MatchString(tests) {
			t.Errorf("%s fires in no test", rule.Alert)
		}
	}
}

// TestRules runs the tests of the alerting rules.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"rules_test.yml", "tickets_test.yml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			check(t, "promtool", "test", "rules", filepath.Join("alerts", file))
		})
	}
}

// TestConfigurations validates the configuration files that compose.observability.yml uses.
func TestConfigurations(t *testing.T) {
	t.Run("Prometheus", func(t *testing.T) { check(t, "promtool", "check", "config", "prometheus.yml") })
	t.Run("Alertmanager", func(t *testing.T) { check(t, "amtool", "check-config", "alertmanager.yml") })
	t.Run("collector", func(t *testing.T) {
		t.Setenv("OTLP_ADDR", "127.0.0.1:4318")
		t.Setenv("JAEGER_URL", "http://127.0.0.1:4318")
		check(t, "otelcol", "validate", "--config=collector.yaml")
	})
}

// check runs a tool, which must succeed. If the tool hasn't been built, the test is skipped, or fails under
// `make telemetry-test`.
func check(t *testing.T, tool string, args ...string) {
	t.Helper()
	folder, required := os.LookupEnv("TEST_TELEMETRY_TOOLS")
	if !required {
		folder = filepath.Join("..", "build")
	}
	path := filepath.Join(folder, tool)
	if _, err := os.Stat(path); err != nil && !required {
		t.Skipf("needs %s, which `make telemetry-tools` builds", tool)
	}
	if output, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
