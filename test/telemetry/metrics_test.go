package telemetry_test

import (
	"slices"
	"strings"
	"testing"

	"superheroes/internal/telemetry"
	"superheroes/test/await"
	"superheroes/test/program"
	"superheroes/test/telemetry/tools"
)

// TestMetrics checks that Prometheus has the metrics of docs/metrics.md, both scraped and pushed, with the right types
// and units. Scraped metrics also have the right help texts. Some metrics exist only in some layouts, but each metric
// must exist in at least one.
func TestMetrics(t *testing.T) {
	peers := []*telemetry.Family{ // one process doesn't call any peers
		telemetry.HTTPClientDuration, telemetry.PickBatchSize,
		telemetry.BreakerState, telemetry.BreakerOpened, telemetry.BreakerRefused,
	}
	missing, complete := families(), 0
	layouts := []struct {
		name, profile string
		layout        layout
		without       []*telemetry.Family
	}{
		{"one process, eco", "eco", one, peers},
		{"one process, strict", "strict", one, peers},
		{"six processes, eco", "eco", six, nil},
		{"six processes, strict", "strict", six, []*telemetry.Family{telemetry.PickBatchSize}},
	}
	for _, c := range layouts {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, c.layout, "PROFILE="+c.profile)
			w.use(t)
			expected := slices.DeleteFunc(families(), func(f *telemetry.Family) bool { return slices.Contains(c.without, f) })
			for _, f := range expected {
				await.True(t, f.PrometheusName()+" is scraped", func() bool { return exists(t, w.scraped, f) })
				await.True(t, f.PrometheusName()+" is pushed", func() bool { return exists(t, w.pushed, f) })
				checkPushed(t, w.pushed, f)
			}
			for _, f := range c.without {
				if exists(t, w.scraped, f) || exists(t, w.pushed, f) {
					t.Errorf("%s exists; the test expects it not to", f.PrometheusName())
				}
			}
			checkScraped(t, w.scraped, expected)
			missing = slices.DeleteFunc(missing, func(f *telemetry.Family) bool { return slices.Contains(expected, f) })
			complete++
		})
	}
	if complete == len(layouts) && len(missing) > 0 {
		t.Errorf("no layout has %s", missing[0].PrometheusName())
	}
}

func families() (all []*telemetry.Family) {
	for _, group := range telemetry.Groups() {
		all = append(all, group.Families...)
	}
	return all
}

// use sends requests, so that every service has something to measure.
func (w world) use(t *testing.T) {
	t.Helper()
	load := startLoad(t, w.Fights, 100, nil)
	await.True(t, "20 fights", func() bool { return load.sent.Load() >= 20 })
	load.stop()
	if _, err := program.Get(t.Context(), w.Heroes+"/api/heroes/999999999"); err == nil {
		t.Error("hero 999999999 exists; the test needs a missing hero")
	}
	if _, err := program.Get(t.Context(), w.Arena+"/api/heroes/random_hero"); err != nil {
		t.Error(err)
	}
}

// exists reports whether Prometheus has a series for the metric.
func exists(t *testing.T, p *tools.Prometheus, f *telemetry.Family) bool {
	t.Helper()
	return len(p.Series(t, seriesName(f))) > 0
}

// seriesName returns the name of one of the series of a metric.
func seriesName(f *telemetry.Family) string {
	if f.Type == telemetry.HistogramType || f.Type == telemetry.SummaryType {
		return f.PrometheusName() + "_count"
	}
	return f.PrometheusName()
}

// promUnit returns the Prometheus name of a unit.
func promUnit(unit string) string {
	return map[string]string{"s": "seconds", "By": "bytes"}[unit]
}

// checkScraped checks the metadata of scraped metrics.
func checkScraped(t *testing.T, p *tools.Prometheus, expected []*telemetry.Family) {
	t.Helper()
	metadata := p.Metadata(t)
	for _, f := range expected {
		name := f.PrometheusName()
		if f.Type == telemetry.CounterType {
			name = strings.TrimSuffix(name, "_total") // as in OpenMetrics
		}
		want := []tools.Metadata{{Type: string(f.Type), Unit: promUnit(f.Unit), Help: f.Help}}
		if !slices.Equal(metadata[name], want) {
			t.Errorf("%s has the metadata %q, want %q", name, metadata[name], want)
		}
	}
}

// checkPushed checks the type and unit of a pushed metric. Prometheus doesn't store the help text of pushed metrics.
func checkPushed(t *testing.T, p *tools.Prometheus, f *telemetry.Family) {
	t.Helper()
	for _, labels := range p.Series(t, seriesName(f)) {
		if labels["__type__"] != string(f.Type) || labels["__unit__"] != promUnit(f.Unit) {
			t.Errorf("%s has type %q and unit %q, want %q and %q",
				f.PrometheusName(), labels["__type__"], labels["__unit__"], f.Type, promUnit(f.Unit))
		}
	}
}
