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

// TestAlerts checks that every alert says how urgent it is and what it means, that docs/operate.md has a section about
// it, and that the tests of the rules fire it.
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
		if want := "docs/operate.md#" + strings.ToLower(rule.Alert); rule.Annotations["runbook_url"] != want {
			t.Errorf("the runbook of %s is %s, want %s", rule.Alert, rule.Annotations["runbook_url"], want)
		}
		if !regexp.MustCompile(`(?m)^#+ ` + rule.Alert + `$`).MatchString(runbook) {
			t.Errorf("docs/operate.md has no section %s", rule.Alert)
		}
		if !regexp.MustCompile(`alertname: ` + rule.Alert + `\n +exp_alerts:`).MatchString(tests) {
			t.Errorf("no test fires %s", rule.Alert)
		}
	}
}

// TestRules runs the tests of the rules.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"rules_test.yml", "tickets_test.yml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			output, err := exec.CommandContext(t.Context(), promtool(t), "test", "rules", filepath.Join("alerts", file)).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}

// promtool returns the path of Prometheus' promtool. A test that needs it is skipped, or fails under `make telemetry-test`.
func promtool(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("TEST_TELEMETRY_TOOLS")
	if folder != "" {
		return filepath.Join(folder, "promtool")
	}
	path := filepath.Join("..", "build", "promtool")
	if _, err := os.Stat(path); err != nil {
		t.Skip("needs promtool, which `make telemetry-tools` builds")
	}
	return path
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
