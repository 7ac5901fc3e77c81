package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

var update = flag.Bool("update", false, "write the dashboards")

// folder contains the dashboards.
var folder = filepath.Join("..", "chart", "superheroes", "files", "dashboards")

// TestDashboards checks that the files match the program's output and Grafana's schema.
func TestDashboards(t *testing.T) {
	if *update {
		if err := write(folder); err != nil {
			t.Fatal(err)
		}
	}
	plugins := cog.NewRuntime()
	plugins.RegisterPanelcfgVariant(timeseries.VariantConfig())
	plugins.RegisterPanelcfgVariant(stat.VariantConfig())
	plugins.RegisterDataqueryVariant(prometheus.VariantConfig())
	for _, b := range boards() {
		t.Run(b.name, func(t *testing.T) {
			written, err := os.ReadFile(filepath.Join(folder, b.file()))
			if err != nil {
				t.Fatal(err)
			}
			generated, err := b.json()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(generated), string(written)); diff != "" {
				t.Errorf("the file (+) is out of date; run go test -C deploy ./dashboards -update\n%s", diff)
			}
			var parsed dashboard.Dashboard
			// If the dashboard is valid, the error is an empty list instead of nil.
			if err := parsed.UnmarshalJSONStrict(written); err != nil && err.Error() != "" {
				t.Error(err)
			}
		})
	}
}
