package telemetry_test

import (
	"encoding/json"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"superheroes/test/await"
	"superheroes/test/system"
	"superheroes/test/telemetry/tools"
)

// deploy is the folder of the dashboards and alerts.
var deploy = filepath.Join("..", "..", "deploy")

// TestDashboards checks that every dashboard query and every recording rule returns data under load, and that
// Prometheus can evaluate every alert.
func TestDashboards(t *testing.T) {
	rules, err := filepath.Abs(filepath.Join(deploy, "chart", "superheroes", "files", "rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	queries := append(dashboardQueries(t), recordings(t, rules)...)
	for _, c := range []struct {
		name    string
		layout  layout
		without string // matches queries that return nothing in this layout
	}{
		{"one process", one, `http_client_|superheroes_breaker_|superheroes_pick_`},
		{"six processes", six, `^$`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, admins := c.layout(t, system.Build(t), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+answering(http.StatusOK)(t))
			prometheus := tools.StartPrometheus(t, tools.Scrape(admins...)+"rule_files: ["+rules+"]\n")
			world{System: s}.use(t)
			load := startLoad(t, s.Fights, 50, nil)
			for _, query := range queries {
				if !regexp.MustCompile(c.without).MatchString(query) {
					await.True(t, query+" returns data", func() bool {
						useArena(t, s.Arena)
						return hasData(prometheus.Query(t, query))
					})
				}
			}
			load.stop()
			await.True(t, "every rule is evaluated", func() bool { return prometheus.RulesEvaluated(t) })
		})
	}
}

// useArena sends a read through the arena, and an edit, which is refused for lack of a token.
func useArena(t *testing.T, arena string) {
	t.Helper()
	for method, want := range map[string]int{http.MethodGet: http.StatusOK, http.MethodDelete: http.StatusUnauthorized} {
		request, err := http.NewRequestWithContext(t.Context(), method, arena+"/api/heroes/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Fatalf("%s got %s", method, response.Status)
		}
	}
}

func hasData(samples []tools.Sample) bool {
	for _, s := range samples {
		if !math.IsNaN(s.Value) {
			return true
		}
	}
	return false
}

// dashboardQueries returns the queries of all panels, with values in place of Grafana's variables.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(deploy, "chart", "superheroes", "files", "dashboards", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found no dashboards: %v", err)
	}
	variables := strings.NewReplacer(
		"$__rate_interval", "10s", "$__range", "1m", "$watts", "10", "$job", ".+", "$instance", ".+", "$service", ".+")
	for _, file := range files {
		var dashboard struct {
			Panels []struct{ Targets []struct{ Expr string } }
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &dashboard)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				queries = append(queries, variables.Replace(target.Expr))
			}
		}
	}
	return queries
}

// recordings returns the names of the series that the recording rules produce.
func recordings(t *testing.T, file string) (names []string) {
	t.Helper()
	var rules struct {
		Groups []struct{ Rules []struct{ Record string } }
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, &rules)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Record != "" {
				names = append(names, rule.Record)
			}
		}
	}
	return names
}
