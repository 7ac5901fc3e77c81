package deploy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// board contains the parts of a dashboard that the lint rules check.
type board struct {
	Title      string
	Editable   bool
	Templating struct{ List []variable }
	Panels     []panel
}

type variable struct {
	Name, Label, Type, Query, AllValue string
	Datasource                         reference
	Multi                              bool
	Refresh                            int
}

type panel struct {
	Type, Title, Description string
	Datasource               reference
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []target
}

type target struct {
	Datasource reference
	Expr       string
	Exemplar   bool
}

type reference struct{ UID string }

// panels returns the panels, excluding row headings.
func (b *board) panels() []*panel {
	var all []*panel
	for i := range b.Panels {
		if b.Panels[i].Type != "row" {
			all = append(all, &b.Panels[i])
		}
	}
	return all
}

// variable returns the variable with the given name, or an empty variable if there is none.
func (b *board) variable(name string) *variable {
	for i := range b.Templating.List {
		if b.Templating.List[i].Name == name {
			return &b.Templating.List[i]
		}
	}
	return &variable{}
}

const chosenSource = "${datasource}"

// rule is a lint rule for dashboards. spoil changes a dashboard so that it breaks the rule.
type rule struct {
	check func(*board) error
	spoil func(*board)
}

// lintRules returns the rules of Grafana's dashboard-linter for Prometheus, under their original names, and one rule of
// our own.
func lintRules() map[string]rule {
	return map[string]rule{
		"uneditable-dashboard": {
			func(b *board) error { return must(!b.Editable, "the dashboard can be edited") },
			func(b *board) { b.Editable = true },
		},
		"template-datasource-rule": {
			func(b *board) error {
				v := *b.variable("datasource")
				return must(v.Type == "datasource" && v.Label == "Data source" && v.Query == "prometheus", "datasource is %+v", v)
			},
			func(b *board) { b.variable("datasource").Label = "Source" },
		},
		"template-job-rule": {
			func(b *board) error { return isSelection(*b.variable("job"), "Job") },
			func(b *board) { b.variable("job").Multi = false },
		},
		"template-instance-rule": {
			func(b *board) error { return isSelection(*b.variable("instance"), "Instance") },
			func(b *board) { b.variable("instance").AllValue = ".*" },
		},
		"template-label-promql-rule": {
			eachQueryVariable(hasSelector), func(b *board) { b.variable("job").Query = "label_values(up{, job)" },
		},
		"template-on-time-change-reload-rule": {eachQueryVariable(reloads), func(b *board) { b.variable("job").Refresh = 1 }},
		"panel-datasource-rule": {
			eachPanel(hasSource), func(b *board) { b.panels()[0].Datasource.UID = "mine" },
		},
		"panel-title-description-rule": {eachPanel(isDescribed), func(b *board) { b.panels()[0].Description = "" }},
		"panel-units-rule": {
			eachPanel(hasUnit), func(b *board) { b.panels()[0].FieldConfig.Defaults.Unit = "sec" },
		},
		"panel-no-targets-rule":     {eachPanel(hasTargets), func(b *board) { b.panels()[0].Targets = nil }},
		"target-promql-rule":        {eachQuery(parses), spoilQuery("sum(")},
		"target-rate-interval-rule": {eachQuery(usesRateInterval), spoilQuery(`rate(up{job=~"$job"}[5m])`)},
		"target-job-rule":           {eachQuery(matches("job")), spoilQuery(`up{job="$job"}`)},
		"target-instance-rule":      {eachQuery(matches("instance")), spoilQuery("up")},
		"target-counter-agg-rule":   {eachQuery(aggregatesCounters), spoilQuery("sum(x_total)")},
		"exemplars of histograms": {
			eachPanel(func(p *panel) error {
				for _, q := range p.Targets {
					quantile := strings.Contains(q.Expr, "histogram_quantile(")
					if quantile && !q.Exemplar {
						return fmt.Errorf("%s shows no exemplars", q.Expr)
					}
				}
				return nil
			}),
			func(b *board) {
				b.panels()[0].Targets = []target{{Expr: "histogram_quantile(0.5, x)"}}
			},
		},
	}
}

// TestLint checks that the dashboards follow the rules, and that each rule rejects dashboards that break it.
func TestLint(t *testing.T) {
	for name, rule := range lintRules() {
		t.Run(name, func(t *testing.T) {
			for _, b := range dashboards(t) {
				if err := rule.check(&b); err != nil {
					t.Errorf("%s: %v", b.Title, err)
				}
				if rule.spoil(&b); rule.check(&b) == nil {
					t.Errorf("the rule accepts a dashboard that breaks it")
				}
			}
		})
	}
}

func must(holds bool, format string, args ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// isSelection checks that a variable allows any number of a label's values to be selected.
func isSelection(v variable, label string) error {
	selects := v.Type == "query" && v.Datasource.UID == chosenSource && v.Multi && v.AllValue == ".+"
	return must(selects && v.Label == label, "%+v", v)
}

func eachQueryVariable(check func(variable) error) func(*board) error {
	return func(b *board) (err error) {
		for _, v := range b.Templating.List {
			if v.Type == "query" {
				err = errors.Join(err, check(v))
			}
		}
		return err
	}
}

func hasSelector(v variable) error {
	match := regexp.MustCompile(`^label_values\((.*), \w+\)$`).FindStringSubmatch(v.Query)
	if match == nil {
		return fmt.Errorf("%s isn't label_values", v.Query)
	}
	_, err := parse(match[1])
	return err
}

func reloads(v variable) error {
	return must(v.Refresh == 2, "%s isn't reloaded when the time range changes", v.Name)
}

func eachPanel(check func(*panel) error) func(*board) error {
	return func(b *board) (err error) {
		for _, p := range b.panels() {
			if fault := check(p); fault != nil {
				err = errors.Join(err, fmt.Errorf("panel %s: %w", p.Title, fault))
			}
		}
		return err
	}
}

func hasSource(p *panel) error {
	for _, q := range p.Targets {
		if q.Datasource.UID != chosenSource {
			return fmt.Errorf("%s has the data source %q", q.Expr, q.Datasource.UID)
		}
	}
	return must(p.Datasource.UID == chosenSource, "the data source is %q", p.Datasource.UID)
}

func isDescribed(p *panel) error {
	return must(p.Title != "" && p.Description != "", "it has no title or no description")
}

// hasUnit checks that the panel has one of the Grafana units that the dashboards use.
func hasUnit(p *panel) error {
	units := []string{"none", "short", "percentunit", "bool_yes_no", "s", "bytes", "Bps", "reqps", "ops", "cps", "joule"}
	return must(slices.Contains(units, p.FieldConfig.Defaults.Unit), "the unit is %q", p.FieldConfig.Defaults.Unit)
}

func hasTargets(p *panel) error { return must(len(p.Targets) > 0, "it has no query") }

// eachQuery applies a check to each parsed query. A query that doesn't parse fails only the check named parses.
func eachQuery(check func(parser.Expr, error) error) func(*board) error {
	return eachPanel(func(p *panel) (err error) {
		for _, q := range p.Targets {
			expr, failure := parse(q.Expr)
			if fault := check(expr, failure); fault != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", q.Expr, fault))
			}
		}
		return err
	})
}

func spoilQuery(query string) func(*board) {
	return func(b *board) { b.panels()[0].Targets[0].Expr = query }
}

func parses(_ parser.Expr, err error) error { return err }

// usesRateInterval checks that rates are computed over $__rate_interval, which always contains enough samples.
func usesRateInterval(expr parser.Expr, _ error) error {
	return inspect(expr, func(node parser.Node, path []parser.Node) error {
		matrix, ok := node.(*parser.MatrixSelector)
		if !ok || matrix.Range == rateInterval {
			return nil
		}
		within := function(path, 0)
		return must(within != "rate" && within != "irate", "%s over %s", within, matrix.Range)
	})
}

// aggregatesCounters checks that counters are used only inside rate, irate or increase.
func aggregatesCounters(expr parser.Expr, _ error) error {
	return inspect(expr, func(node parser.Node, path []parser.Node) error {
		vector, ok := node.(*parser.VectorSelector)
		if !ok || !strings.HasSuffix(vector.Name, "_total") {
			return nil
		}
		return must(slices.Contains([]string{"rate", "irate", "increase"}, function(path, 1)), "%s isn't a rate", vector.Name)
	})
}

// matches returns a check that every selector has a matcher with the dashboard variable for the label.
func matches(label string) func(parser.Expr, error) error {
	return func(expr parser.Expr, _ error) error {
		return inspect(expr, func(node parser.Node, _ []parser.Node) error {
			vector, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			for _, m := range vector.LabelMatchers {
				if m.String() == fmt.Sprintf(`%s=~"$%s"`, label, label) {
					return nil
				}
			}
			return fmt.Errorf("%s has no matcher for %s", vector.Name, label)
		})
	}
}

// inspect calls check for each node of the query, and returns the first error.
func inspect(expr parser.Expr, check func(node parser.Node, path []parser.Node) error) (err error) {
	if expr == nil {
		return nil
	}
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		if node != nil && err == nil {
			err = check(node, path)
		}
		return nil
	})
	return err
}

// function returns the name of the function to which a node is an argument, or "" if there is none. depth is the number
// of nodes between the function and its argument.
func function(path []parser.Node, depth int) string {
	if at := len(path) - 1 - depth; at >= 0 {
		if call, ok := path[at].(*parser.Call); ok {
			return call.Func.Name
		}
	}
	return ""
}
