package otlp

import (
	"encoding/hex"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"superheroes/internal/telemetry"
)

// message is an encoded protobuf message. The field numbers are those of opentelemetry-proto 1.10, in
// collector/metrics/v1, collector/trace/v1, metrics/v1, trace/v1, resource/v1 and common/v1.
type message []byte

func (m *message) bytes(field protowire.Number, value []byte) {
	*m = protowire.AppendTag(*m, field, protowire.BytesType)
	*m = protowire.AppendBytes(*m, value)
}

func (m *message) text(field protowire.Number, value string) { m.bytes(field, []byte(value)) }

func (m *message) varint(field protowire.Number, value uint64) {
	*m = protowire.AppendTag(*m, field, protowire.VarintType)
	*m = protowire.AppendVarint(*m, value)
}

func (m *message) fixed(field protowire.Number, value uint64) {
	*m = protowire.AppendTag(*m, field, protowire.Fixed64Type)
	*m = protowire.AppendFixed64(*m, value)
}

func (m *message) double(field protowire.Number, value float64) {
	m.fixed(field, math.Float64bits(value))
}

func (m *message) time(field protowire.Number, value time.Time) {
	m.fixed(field, uint64(value.UnixNano()))
}

// attribute appends a KeyValue with a string value.
func (m *message) attribute(field protowire.Number, key, value string) {
	var anyValue message
	anyValue.text(1, value)
	m.pair(field, key, anyValue)
}

// number appends a KeyValue with an integer value.
func (m *message) number(field protowire.Number, key string, value int64) {
	var anyValue message
	anyValue.varint(3, uint64(value))
	m.pair(field, key, anyValue)
}

// pair appends a KeyValue.
func (m *message) pair(field protowire.Number, key string, value message) {
	var pair message
	pair.text(1, key)
	pair.bytes(2, value)
	m.bytes(field, pair)
}

// metrics returns an ExportMetricsServiceRequest.
func metrics(gathered []telemetry.Gathered, attributes [][2]string, begun, now time.Time) []byte {
	services := map[string]*message{}
	for _, g := range gathered {
		points := map[string]*message{}
		for _, s := range g.Series {
			if services[s.Service] == nil {
				services[s.Service] = &message{}
			}
			if points[s.Service] == nil {
				points[s.Service] = &message{}
			}
			points[s.Service].bytes(1, point(g.Family, s, begun, now)) // data_points
		}
		for service, data := range points {
			services[service].bytes(2, metric(g.Family, *data)) // metrics
		}
	}
	return request(services, attributes)
}

// request returns an ExportMetricsServiceRequest or ExportTraceServiceRequest. Both have the same form: for each
// service, a resource and the service's metrics or spans. The given attributes are added to each resource.
func request(services map[string]*message, attributes [][2]string) []byte {
	var request message
	for _, service := range slices.Sorted(maps.Keys(services)) {
		var resource, scope, scoped, whole message
		resource.attribute(1, "service.name", service)
		for _, a := range attributes {
			resource.attribute(1, a[0], a[1])
		}
		scope.text(1, "superheroes")
		scoped.bytes(1, scope)
		scoped = append(scoped, *services[service]...)
		whole.bytes(1, resource)
		whole.bytes(2, scoped)
		request.bytes(1, whole)
	}
	return request
}

// cumulative is the AggregationTemporality of totals since the process started.
const cumulative = 2

// metric returns a Metric with the given data points.
func metric(f *telemetry.Family, data message) []byte {
	var m message
	m.text(1, f.Name)
	m.text(2, f.Help)
	m.text(3, f.Unit)
	switch f.Type {
	case telemetry.CounterType:
		data.varint(2, cumulative)
		data.varint(3, 1) // is_monotonic
		m.bytes(7, data)
	case telemetry.HistogramType:
		data.varint(2, cumulative)
		m.bytes(9, data)
	case telemetry.SummaryType:
		m.bytes(11, data)
	default:
		m.bytes(5, data)
	}
	return m
}

// point returns a NumberDataPoint, HistogramDataPoint or SummaryDataPoint. These have several fields in common.
func point(f *telemetry.Family, s telemetry.Series, begun, now time.Time) []byte {
	var p message
	attributes := protowire.Number(7)
	if f.Type != telemetry.GaugeType {
		p.time(2, begun)
	}
	p.time(3, now)
	switch {
	case s.Histogram != nil:
		attributes = 9
		p.distribution(f, s.Histogram)
	case s.Summary != nil:
		p.fixed(4, s.Summary.Count)
		p.double(5, s.Summary.Sum)
		for _, q := range s.Summary.Quantiles {
			var quantile message
			quantile.double(1, q[0])
			quantile.double(2, q[1])
			p.bytes(6, quantile)
		}
	default:
		p.double(4, s.Value)
	}
	p.attribute(attributes, "service", s.Service) // as in a scrape, so that the same queries work
	for i, label := range f.Labels {
		if s.Labels[i] == "" {
			continue
		}
		if n, err := strconv.ParseInt(s.Labels[i], 10, 64); err == nil { // a status code or a port
			p.number(attributes, label, n)
		} else {
			p.attribute(attributes, label, s.Labels[i])
		}
	}
	return p
}

// distribution appends the fields of a HistogramDataPoint.
func (m *message) distribution(f *telemetry.Family, d *telemetry.Distribution) {
	var counts, bounds []byte
	total := uint64(0)
	for _, n := range d.Buckets {
		total += n
		counts = protowire.AppendFixed64(counts, n)
	}
	for _, bound := range f.Bounds {
		bounds = protowire.AppendFixed64(bounds, math.Float64bits(bound))
	}
	m.fixed(4, total)
	m.double(5, d.Sum)
	m.bytes(6, counts)
	m.bytes(7, bounds)
	for _, e := range d.Exemplars {
		if e == nil {
			continue
		}
		var exemplar message
		exemplar.time(2, e.Time)
		exemplar.double(3, e.Value)
		exemplar.bytes(4, decode(e.SpanID))
		exemplar.bytes(5, decode(e.TraceID))
		m.bytes(8, exemplar)
	}
}

// decode decodes a hexadecimal id.
func decode(id string) []byte {
	decoded, _ := hex.DecodeString(id)
	return decoded
}
