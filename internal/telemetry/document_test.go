package telemetry

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

const introduction = `# Metrics

This page is generated from [families.go](../internal/telemetry/families.go).

The admin listener serves the metrics of all services in its process at ` + "`/metrics`" + `: in the OpenMetrics format if the
scraper accepts it, and otherwise in Prometheus' text format. With ` + "`up`" + ` it listens on ` + "`127.0.0.1:8006`" + `; a service that runs alone
has one only if ` + "`--admin-addr`" + ` (` + "`ADMIN_ADDR`" + `) is set. Every series has the label ` + "`service`" + `. For metrics of
the process, the label contains the service's name, or ` + "`superheroes`" + ` with ` + "`up`" + `.

The label ` + "`kind`" + ` names a kind of work with its own limit on concurrent requests: ` + "`reads`, `fights`" + ` (and picks), ` + "`lists`, `searches`" + `
(and counts), ` + "`streams`, `writes`" + ` and ` + "`checks`" + `.
`

// TestDocument compares docs/metrics.md with the families.
func TestDocument(t *testing.T) {
	var page strings.Builder
	page.WriteString(introduction)
	for _, group := range Groups() {
		fmt.Fprintf(&page, "\n## %s\n\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n", group.Title)
		for _, f := range group.Families {
			labels := make([]string, len(f.Labels))
			for i, label := range f.Labels {
				labels[i] = "`" + prometheus(label) + "`"
			}
			fmt.Fprintf(&page, "| `%s` | %s | %s | %s | %s |\n", f.PrometheusName(), f.Type, f.Unit, strings.Join(labels, ", "), f.Help)
		}
	}
	golden(t, "../../docs/metrics.md", page.String())
}

// TestNames checks that each name is valid in Prometheus and OpenTelemetry, and that no two families share one.
func TestNames(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)
	seen := map[string]bool{}
	for _, group := range Groups() {
		for _, f := range group.Families {
			if !name.MatchString(f.Name) || seen[f.PrometheusName()] {
				t.Errorf("the name %s is invalid or not unique", f.Name)
			}
			seen[f.PrometheusName()] = true
			if family := strings.TrimSuffix(f.PrometheusName(), "_total"); family != f.PrometheusName() && seen[family] {
				t.Errorf("in OpenMetrics, two families have the name %s", family)
			}
			for _, label := range f.Labels {
				if !name.MatchString(label) {
					t.Errorf("%s: the label %s is invalid", f.Name, label)
				}
			}
			if !strings.HasSuffix(f.Help, ".") {
				t.Errorf("%s: the help doesn't end with a period: %s", f.Name, f.Help)
			}
		}
	}
}
