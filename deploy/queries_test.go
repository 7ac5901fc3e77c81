// Package deploy tests the dashboards and alerts of this module.
package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	ruleFile     = "chart/superheroes/files/rules.yml"
	rateInterval = 61 * time.Second // replaces $__rate_interval; no query uses this range explicitly
)

// TestQueries checks that every query of a dashboard, a rule or docs/operate.md parses, and that its metrics and labels
// exist.
func TestQueries(t *testing.T) {
	known := documented(t)
	for _, rule := range alertRules(t) {
		if rule.Record != "" {
			known[rule.Record] = []string{"job", "service", "slo", "le", "error_type"}
		}
	}
	queries := map[string]string{}
	for _, d := range dashboards(t) {
		for _, p := range d.panels() {
			for i, q := range p.Targets {
				queries[fmt.Sprintf("%s/%s/%d", d.Title, p.Title, i)] = q.Expr
			}
		}
	}
	for i, rule := range alertRules(t) {
		queries[fmt.Sprintf("rule %d %s%s", i, rule.Record, rule.Alert)] = rule.Expr
	}
	rows := regexp.MustCompile("(?m)^\\| (.+\\?) \\| `(.+)` \\|$").FindAllStringSubmatch(read(t, "../docs/operate.md"), -1)
	if len(rows) == 0 {
		t.Error("docs/operate.md has no queries")
	}
	for _, row := range rows {
		queries[row[1]] = row[2]
	}
	for _, name := range slices.Sorted(maps.Keys(queries)) {
		expr, err := parse(queries[name])
		if err != nil {
			t.Errorf("%s: %s: %v", name, queries[name], err)
			continue
		}
		for _, fault := range unknown(known, expr) {
			t.Errorf("%s: %s: %s", name, queries[name], fault)
		}
	}
}

// TestUnknown checks that unknown reports metrics and labels that don't exist.
func TestUnknown(t *testing.T) {
	for query, want := range map[string]string{
		`go_goroutines{service="fights"}`:                     "",
		`sum by (http_route) (go_goroutine)`:                  "there is no metric go_goroutine; no metric has the label http_route",
		`superheroes_connections{kind="reads"}`:               "superheroes_connections has no label kind",
		`sum by (le) (superheroes_commit_batch_size_bucket)`:  "",
		`sum by (le) (superheroes_commit_batch_size_count)`:   "no metric has the label le",
		`sum by (a, b) (label_replace(up, "a", "b", "", ""))`: "no metric has the label b",
	} {
		expr, err := parse(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(unknown(documented(t), expr), "; "); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

// parse replaces Grafana's variables in a query with values, and parses it.
func parse(query string) (parser.Expr, error) {
	interval := model.Duration(rateInterval).String()
	values := strings.NewReplacer("$__rate_interval", interval, "$__range", "1h", "$watts", "10")
	return parser.NewParser(parser.Options{}).ParseExpr(values.Replace(query))
}

// unknown returns a message for each nonexistent metric in a query, and for each label that none of the query's metrics
// has.
func unknown(known map[string][]string, expr parser.Expr) (faults []string) {
	var allowed []string
	for _, matchers := range parser.ExtractSelectors(expr) {
		i := slices.IndexFunc(matchers, func(m *labels.Matcher) bool { return m.Name == model.MetricNameLabel })
		has, exists := known[matchers[i].Value]
		if !exists {
			faults = append(faults, "there is no metric "+matchers[i].Value)
		}
		allowed = append(allowed, has...)
		for _, m := range matchers {
			if m.Name != model.MetricNameLabel && exists && !slices.Contains(has, m.Name) {
				faults = append(faults, matchers[i].Value+" has no label "+m.Name)
			}
		}
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if call, ok := node.(*parser.Call); ok && (call.Func.Name == "label_join" || call.Func.Name == "label_replace") {
			allowed = append(allowed, call.Args[1].(*parser.StringLiteral).Val)
		}
		return nil
	})
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if by, ok := node.(*parser.AggregateExpr); ok {
			for _, label := range by.Grouping {
				if !slices.Contains(allowed, label) {
					faults = append(faults, "no metric has the label "+label)
				}
			}
		}
		return nil
	})
	return faults
}

// documented returns the labels of each series in docs/metrics.md, including the labels that Prometheus adds.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	added := []string{"job", "instance"} // by Prometheus
	known := map[string][]string{"up": added}
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| [^|]* \\| ([^|]*) \\|")
	for _, row := range row.FindAllStringSubmatch(read(t, "../docs/metrics.md"), -1) {
		name, has := row[1], append([]string{"service"}, added...)
		for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[3], -1) {
			has = append(has, label[1])
		}
		switch row[2] {
		case "histogram":
			known[name+"_bucket"] = append(slices.Clone(has), "le")
			known[name+"_sum"], known[name+"_count"] = has, has
		case "summary":
			known[name] = append(slices.Clone(has), "quantile")
			known[name+"_sum"], known[name+"_count"] = has, has
		default:
			known[name] = has
		}
	}
	if len(known) < 50 {
		t.Fatalf("docs/metrics.md has only %d metrics", len(known))
	}
	return known
}

// alertRules returns all rules, after validating them as Prometheus does when it loads them.
func alertRules(t *testing.T) (rules []rulefmt.Rule) {
	t.Helper()
	groups, errs := rulefmt.ParseFile(ruleFile, false, model.UTF8Validation, parser.NewParser(parser.Options{}), nil)
	for _, err := range errs {
		t.Fatal(err)
	}
	for _, group := range groups.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// dashboards reads the dashboards from their files.
func dashboards(t *testing.T) (all []board) {
	t.Helper()
	files, err := filepath.Glob("chart/superheroes/files/dashboards/*.json")
	if err != nil || len(files) != 4 {
		t.Fatalf("found %q, want four dashboards: %v", files, err)
	}
	for _, file := range files {
		var b board
		if err := json.Unmarshal([]byte(read(t, file)), &b); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, b)
	}
	return all
}
