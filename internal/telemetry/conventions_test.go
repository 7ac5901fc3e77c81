package telemetry

import (
	"slices"
	"strings"
	"testing"
)

// convention is the definition of a metric in OpenTelemetry's semantic conventions 1.44.0: model/http, model/db and
// model/otel in https://github.com/open-telemetry/semantic-conventions/tree/v1.44.0. An up-down counter is a gauge in
// Prometheus.
type convention struct {
	kind       Type
	unit       string
	attributes string    // those that we may use
	bounds     []float64 // recommended for a histogram
}

func conventions() map[string]convention {
	requests := []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
	return map[string]convention{
		"http.server.request.duration": {
			HistogramType, "s", "http.request.method url.scheme http.route http.response.status_code error.type", requests,
		},
		"http.client.request.duration": {
			HistogramType, "s", "http.request.method server.address server.port http.response.status_code error.type", requests,
		},
		"db.client.operation.duration": {
			HistogramType, "s", "db.system.name db.collection.name db.operation.name db.query.summary error.type",
			[]float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10},
		},
		"db.client.connection.count":        {GaugeType, "{connection}", "db.client.connection.state db.client.connection.pool.name", nil},
		"db.client.connection.max":          {GaugeType, "{connection}", "db.client.connection.pool.name", nil},
		"otel.sdk.processor.span.processed": {CounterType, "{span}", "error.type", nil},
		"otel.sdk.exporter.span.exported":   {CounterType, "{span}", "error.type", nil},
	}
}

// TestConventions checks the metrics that the semantic conventions define. Their attributes, except peer, must be in
// the conventions, and the bounds of a histogram must include the recommended ones. The names of all other metrics must
// begin with superheroes., go_ or process_.
func TestConventions(t *testing.T) {
	known := conventions()
	for _, group := range Groups() {
		for _, f := range group.Families {
			want, defined := known[f.Name]
			if !defined {
				if !strings.HasPrefix(f.Name, "superheroes.") && !strings.HasPrefix(f.Name, "go_") && !strings.HasPrefix(f.Name, "process_") {
					t.Errorf("%s is not in the conventions and has none of the other prefixes", f.Name)
				}
				continue
			}
			delete(known, f.Name)
			if f.Type != want.kind || f.Unit != want.unit {
				t.Errorf("%s is a %s in %s, want a %s in %s", f.Name, f.Type, f.Unit, want.kind, want.unit)
			}
			for _, label := range f.Labels {
				if label != "peer" && !slices.Contains(strings.Fields(want.attributes), label) {
					t.Errorf("%s has the label %s, which the conventions don't define for it", f.Name, label)
				}
			}
			for _, bound := range want.bounds {
				if !slices.Contains(f.Bounds, bound) {
					t.Errorf("%s has no bucket up to %g", f.Name, bound)
				}
			}
		}
	}
	for name := range known {
		t.Errorf("%s is missing", name)
	}
}
