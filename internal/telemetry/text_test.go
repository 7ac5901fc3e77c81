package telemetry

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "regenerate the golden files and docs/metrics.md")

// golden compares text with a golden file. With -update, it writes the file first.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s differs; if that is intended, regenerate it with -update:\n%s", file, diff)
	}
}

// sample returns a registry with series of each type. Some label values need escaping.
func sample() *Registry {
	r := NewRegistry(nil)
	heroes, fights := r.Service("heroes"), r.Service("fights")
	var refused Counter
	refused.Add(3)
	fights.Counter(counter("test.refused", "{request}", "Requests refused, \\ or\nnot."), &refused)
	fights.Func(gauge("test.age", "s", "Age.", "peer"), func() float64 { return 0.5 }, `a "peer"`)
	fights.Func(gauge("test.state", "", "State.", "a.b", "c"), func() float64 { return 2 }, "", "x")
	duration := &Family{Name: "test.duration", Type: HistogramType, Unit: "s", Help: "Duration.", Bounds: []float64{0.0025, 1}}
	for _, m := range []*Metrics{heroes, fights} {
		m.Histogram(NewHistogram(duration))
	}
	traced := NewHistogram(&Family{Name: "test.size", Type: HistogramType, Unit: "{fight}", Help: "Size.", Bounds: []float64{1, 2}})
	fights.Histogram(traced)
	traced.Observe(1)
	traced.ObserveIn(2, &Span{Traceparent: Traceparent{TraceID: strings.Repeat("ab", 16), SpanID: strings.Repeat("cd", 8)}})
	traced.exemplars[1].Load().Time = time.UnixMilli(1_700_000_000_123)
	traced.Observe(7)
	fights.Summary(&Family{Name: "test.pauses", Type: SummaryType, Unit: "s", Help: "Pauses."}, func() Summary {
		return Summary{[][2]float64{{0, 0.001}, {1, 2}}, 3, 4}
	})
	return r
}

func TestText(t *testing.T) {
	r := sample()
	for file, format := range map[string]string{"testdata/metrics.txt": TextFormat, "testdata/openmetrics.txt": OpenMetricsFormat} {
		var text bytes.Buffer
		if err := r.WriteText(&text, format); err != nil {
			t.Error(err)
		}
		golden(t, file, text.String())
	}
}

func TestFormatFor(t *testing.T) {
	for accept, want := range map[string]string{
		"":           TextFormat,
		"*/*":        TextFormat,
		"text/plain": TextFormat,
		"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4": OpenMetricsFormat,
		"text/plain, Application/OpenMetrics-Text":                                        OpenMetricsFormat,
		"application/openmetrics-text-else":                                               TextFormat,
	} {
		if got := FormatFor([]string{accept}); got != want {
			t.Errorf("%q: got %s, want %s", accept, got, want)
		}
	}
}

// TestObserve checks that, as in Prometheus, a bucket includes values equal to its upper bound.
func TestObserve(t *testing.T) {
	h := NewHistogram(&Family{Unit: "s", Bounds: []float64{0.001, 0.0025}})
	for _, value := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, 2500 * time.Microsecond, time.Hour} {
		h.Observe(int64(value))
	}
	got := h.distribution()
	if diff := cmp.Diff([]uint64{2, 2, 1}, got.Buckets); diff != "" {
		t.Error(diff)
	}
	if want := 3600.004500001; got.Sum < want-1e-9 || got.Sum > want+1e-9 {
		t.Errorf("the sum is %v, want %v", got.Sum, want)
	}
}

// TestWithoutRegistry checks that instruments work without a registry.
func TestWithoutRegistry(t *testing.T) {
	var r *Registry
	m := r.Service("fights")
	var c Counter
	c.Add(2)
	m.Counter(ConnectionsRefused, &c)
	h := NewHistogram(CommitBatchSize)
	m.Histogram(h)
	h.Observe(1)
	if got := h.distribution(); c.Value() != 2 || got.Buckets[0] != 1 {
		t.Errorf("got %d and %v", c.Value(), got.Buckets)
	}
}

func BenchmarkHistogram(b *testing.B) {
	v := NewVec(NewRegistry(nil).Service("fights"), HTTPServerDuration, func(int) []string { return []string{"", "", "", "", ""} })
	b.ReportAllocs()
	for b.Loop() {
		v.Of(200).Observe(int64(300 * time.Microsecond))
	}
}

func BenchmarkScrape(b *testing.B) {
	r := NewRegistry(nil)
	m := r.Service("fights")
	m.AddRuntime()
	v := NewVec(m, HTTPServerDuration, func(i int) []string { return []string{"GET", "http", "/api/fights", string(rune('a' + i)), ""} })
	for i := range 50 {
		v.Of(i).Observe(1)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := r.WriteText(io.Discard, OpenMetricsFormat); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSharedSeries checks that two Vecs share the series for the same labels, because several peers may have the same
// address. A panic because of a duplicate series would fail the request.
func TestSharedSeries(t *testing.T) {
	m := NewRegistry(nil).Service("fights")
	labels := func(int) []string { return []string{"heroes", "GET", "gateway", "80", "200", ""} }
	one, other := NewVec(m, HTTPClientDuration, labels), NewVec(m, HTTPClientDuration, labels)
	if one.Of(1) != other.Of(2) {
		t.Error("the two Vecs have different histograms for the same labels")
	}
}
