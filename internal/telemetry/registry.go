// Package telemetry contains the instruments that the services use to measure themselves: counters, histograms and
// values that are read on demand. A Registry collects them for a scrape in the text formats of Prometheus and
// OpenMetrics. The package also contains the spans of traces, and the samplers that decide which traces are recorded.
//
// An instrument works from the moment it is created, whether or not a Registry collects it. A type that has instruments
// registers them in its method Measure. Counting or observing takes a few atomic operations and no allocation. Label
// values never come from a request, so no client can add series.
//
// The package imports only the standard library, so every package may use it, even those of the domain.
// docs/decisions.md explains why we use no library for instruments.
package telemetry

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
)

// Type is the type of a metric.
type Type string

// The types, as OpenMetrics calls them.
const (
	CounterType   Type = "counter"
	GaugeType     Type = "gauge"
	HistogramType Type = "histogram"
	SummaryType   Type = "summary"
)

// Family describes a metric. The list of all families is in families.go.
type Family struct {
	Name   string    // in OpenTelemetry's form, such as http.server.request.duration
	Type   Type      //
	Unit   string    // in UCUM: s, By or, for example, {request}; a unit in braces isn't part of the Prometheus name
	Help   string    // one sentence
	Labels []string  // label names in OpenTelemetry's form; in addition, every series has a label for the service
	Bounds []float64 // upper bounds of a histogram's buckets, in the family's unit, in ascending order
}

// prometheusUnit returns the suffix of the Prometheus name for the unit, or "" if the name has none.
func (f *Family) prometheusUnit() string {
	switch f.Unit {
	case "s":
		return "seconds"
	case "By":
		return "bytes"
	}
	return ""
}

// PrometheusName returns the metric's name in Prometheus, which is the same whether it is scraped or received over
// OTLP.
func (f *Family) PrometheusName() string {
	name := prometheus(f.Name)
	if unit := f.prometheusUnit(); unit != "" && !strings.HasSuffix(strings.TrimSuffix(name, "_total"), unit) {
		name += "_" + unit
	}
	if f.Type == CounterType && !strings.HasSuffix(name, "_total") {
		name += "_total"
	}
	return name
}

// prometheus converts an OpenTelemetry name to Prometheus' character set.
func prometheus(name string) string { return strings.ReplaceAll(name, ".", "_") }

// Registry collects the instruments of a process. It is safe for concurrent use.
type Registry struct {
	tracing  *Tracing // nil if tracing is off
	mu       sync.Mutex
	families []*collected // sorted by Prometheus name
}

// collected is a family together with its series.
type collected struct {
	*Family
	name   string
	series []*series
}

// series is one series of a family. Exactly one of read, histogram and summary is set.
type series struct {
	service   string
	values    []string // of the labels
	read      func() float64
	histogram *Histogram
	summary   func() Summary
}

// NewRegistry returns an empty registry. Its services have tracers unless tracing is nil.
func NewRegistry(tracing *Tracing) *Registry { return &Registry{tracing: tracing} }

// Service returns the Metrics of one service of the process, or nil if the registry is nil.
func (r *Registry) Service(name string) *Metrics {
	if r == nil {
		return nil
	}
	return &Metrics{r, name, r.tracing.newTracer(name)}
}

// add adds a series. It panics if the series already exists or has the wrong labels, which are programming errors.
func (r *Registry) add(f *Family, s *series) {
	if existing := r.findOrAdd(f, s); existing != nil {
		panic(fmt.Sprintf("%s has two series with the values %q", f.Name, s.values))
	}
}

// findOrAdd returns the series with the same service and label values, or adds the given one and returns nil. It panics
// if the series has the wrong labels.
func (r *Registry) findOrAdd(f *Family, s *series) (existing *series) {
	if len(s.values) != len(f.Labels) {
		panic(fmt.Sprintf("%s has the labels %q, not the values %q", f.Name, f.Labels, s.values))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := f.PrometheusName()
	at, found := slices.BinarySearchFunc(r.families, name, func(c *collected, name string) int {
		return cmp.Compare(c.name, name)
	})
	if !found {
		r.families = slices.Insert(r.families, at, &collected{Family: f, name: name})
	}
	c := r.families[at]
	for _, other := range c.series {
		if other.service == s.service && slices.Equal(other.values, s.values) {
			return other
		}
	}
	c.series = append(c.series, s)
	return nil
}

// Gathered is a family with the current values of its series.
type Gathered struct {
	*Family
	Series []Series
}

// Series is the current value of a series.
type Series struct {
	Service   string
	Labels    []string      // values of the family's labels, in the same order
	Value     float64       // of a counter or gauge
	Histogram *Distribution // of a histogram, otherwise nil
	Summary   *Summary      // of a summary, otherwise nil
}

// Gather reads all series. The families are sorted by Prometheus name.
func (r *Registry) Gather() []Gathered {
	families := r.snapshot()
	all := make([]Gathered, len(families))
	for i, c := range families {
		all[i] = c.gather()
	}
	return all
}

// snapshot returns the families with their series as of now.
func (r *Registry) snapshot() []collected {
	r.mu.Lock()
	defer r.mu.Unlock()
	families := make([]collected, len(r.families))
	for i, c := range r.families {
		families[i] = *c // series are only ever appended
	}
	return families
}

// gather reads the series of the family.
func (c collected) gather() Gathered {
	g := Gathered{Family: c.Family, Series: make([]Series, 0, len(c.series))}
	for _, s := range c.series {
		if value, ok := s.gather(); ok {
			g.Series = append(g.Series, value)
		}
	}
	return g
}

// gather reads the series. It returns false if the series has no value at present.
func (s *series) gather() (value Series, ok bool) {
	value = Series{Service: s.service, Labels: s.values}
	switch {
	case s.histogram != nil:
		value.Histogram = s.histogram.distribution()
	case s.summary != nil:
		summary := s.summary()
		value.Summary = &summary
	default:
		value.Value = s.read()
	}
	return value, !math.IsNaN(value.Value)
}

// Metrics registers the instruments of one service. A nil *Metrics registers nothing. It is safe for concurrent use.
type Metrics struct {
	registry *Registry
	service  string
	tracer   *Tracer
}

// Service returns the name of the service. m must not be nil.
func (m *Metrics) Service() string { return m.service }

// Tracer returns the service's tracer, or nil if tracing is off.
func (m *Metrics) Tracer() *Tracer {
	if m == nil {
		return nil
	}
	return m.tracer
}

// Read returns the current values of the service's series in a family. m must not be nil.
func (m *Metrics) Read(f *Family) (all []Series) {
	for _, c := range m.registry.snapshot() {
		for _, s := range c.series {
			if c.Family == f && s.service == m.service {
				if value, ok := s.gather(); ok {
					all = append(all, value)
				}
			}
		}
	}
	return all
}

// Counter adds a counter as a series with the given label values.
func (m *Metrics) Counter(f *Family, c *Counter, values ...string) {
	m.Func(f, func() float64 { return float64(c.Value()) }, values...)
}

// Func adds a series whose value is read at each scrape. read must be safe for concurrent use and must not block. While
// read returns NaN, the series is omitted.
func (m *Metrics) Func(f *Family, read func() float64, values ...string) {
	if m != nil {
		m.registry.add(f, &series{service: m.service, values: values, read: read})
	}
}

// Histogram adds a histogram as a series with the given label values.
func (m *Metrics) Histogram(h *Histogram, values ...string) {
	if m != nil {
		m.registry.add(h.family, &series{service: m.service, values: values, histogram: h})
	}
}

// sharedHistogram returns the histogram with the given label values, and adds it if it doesn't exist yet.
func (m *Metrics) sharedHistogram(f *Family, values []string) *Histogram {
	h := NewHistogram(f)
	if m == nil {
		return h
	}
	existing := m.registry.findOrAdd(f, &series{service: m.service, values: values, histogram: h})
	if existing != nil {
		return existing.histogram
	}
	return h
}

// Summary is a distribution that its source has already summarized.
type Summary struct {
	Quantiles [][2]float64 // pairs of a quantile, from 0 to 1, and its value
	Sum       float64
	Count     uint64
}

// Summary adds a summary that, as with Func, is read at each scrape.
func (m *Metrics) Summary(f *Family, read func() Summary, values ...string) {
	if m != nil {
		m.registry.add(f, &series{service: m.service, values: values, summary: read})
	}
}
