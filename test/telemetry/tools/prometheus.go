package tools

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"superheroes/test/system"
)

// Prometheus is a running Prometheus.
type Prometheus struct{ URL string }

// StartPrometheus starts Prometheus with a YAML configuration and additional arguments. Prometheus stores exemplars and
// accepts OTLP.
func StartPrometheus(tb testing.TB, config string, args ...string) *Prometheus {
	tb.Helper()
	addr := system.FreeAddr(tb)
	args = append([]string{"--config.file=" + file(tb, config), "--storage.tsdb.path=" + tb.TempDir(),
		"--web.listen-address=" + addr, "--web.enable-otlp-receiver", "--enable-feature=exemplar-storage",
		"--log.level=warn"}, args...)
	p := system.Start(tb, Path(tb, "prometheus"), nil, args...)
	p.Ready(tb, "http://"+addr+"/-/ready")
	return &Prometheus{"http://" + addr}
}

// Scrape returns a Prometheus configuration that scrapes the admin listeners at the given base URLs five times a
// second.
func Scrape(targets ...string) string {
	var hosts []string
	for _, target := range targets {
		hosts = append(hosts, strings.TrimPrefix(target, "http://"))
	}
	return fmt.Sprintf(`
global: {scrape_interval: 200ms, evaluation_interval: 1s}
scrape_configs:
  - job_name: superheroes
    static_configs: [{targets: [%s]}]
`, `"`+strings.Join(hosts, `", "`)+`"`)
}

// call reads the data field of an API response.
func (p *Prometheus) call(tb testing.TB, path string, query url.Values, into any) {
	tb.Helper()
	var response struct{ Data json.RawMessage }
	get(tb, p.URL, path, query, &response)
	if err := json.Unmarshal(response.Data, into); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
}

// Sample is the current value of a series.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query evaluates a query that returns an instant vector.
func (p *Prometheus) Query(tb testing.TB, query string) []Sample {
	tb.Helper()
	var response struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	p.call(tb, "/api/v1/query", url.Values{"query": {query}}, &response)
	samples := make([]Sample, len(response.Result))
	for i, r := range response.Result {
		text, _ := r.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			tb.Fatalf("%s: %v", query, err)
		}
		samples[i] = Sample{r.Metric, value}
	}
	return samples
}

// Value returns the value of a query that returns at most one sample, or 0 if it returns none.
func (p *Prometheus) Value(tb testing.TB, query string) float64 {
	tb.Helper()
	samples := p.Query(tb, query)
	if len(samples) > 1 {
		tb.Fatalf("%s has %d values", query, len(samples))
	}
	for _, s := range samples {
		return s.Value
	}
	return 0
}

// Series returns the label sets of all series that match a selector.
func (p *Prometheus) Series(tb testing.TB, selector string) (series []map[string]string) {
	tb.Helper()
	p.call(tb, "/api/v1/series", url.Values{"match[]": {selector}}, &series)
	return series
}

// Metadata is the metadata that Prometheus stores for a scraped metric.
type Metadata struct{ Type, Help, Unit string }

// Metadata returns the metadata of all scraped metrics, by name.
func (p *Prometheus) Metadata(tb testing.TB) (metadata map[string][]Metadata) {
	tb.Helper()
	p.call(tb, "/api/v1/metadata", nil, &metadata)
	return metadata
}

// SpanContext identifies a span.
type SpanContext struct {
	Trace string `json:"trace_id"`
	Span  string `json:"span_id"`
}

// Exemplars returns the spans that the exemplars of a selector's series refer to.
func (p *Prometheus) Exemplars(tb testing.TB, selector string) map[SpanContext]bool {
	tb.Helper()
	var response []struct {
		Exemplars []struct{ Labels SpanContext }
	}
	p.call(tb, "/api/v1/query_exemplars", url.Values{"query": {selector}}, &response)
	all := map[SpanContext]bool{}
	for _, series := range response {
		for _, e := range series.Exemplars {
			all[e.Labels] = true
		}
	}
	return all
}

// RulesEvaluated reports whether all rules have been evaluated. If a rule can't be evaluated, the test fails.
func (p *Prometheus) RulesEvaluated(tb testing.TB) bool {
	tb.Helper()
	var response struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	p.call(tb, "/api/v1/rules", nil, &response)
	all := len(response.Groups) > 0
	for _, group := range response.Groups {
		for _, rule := range group.Rules {
			if rule.Health == "err" {
				tb.Errorf("%s: %s", rule.Name, rule.LastError)
			}
			all = all && rule.Health != "unknown"
		}
	}
	return all
}
