package performance

import (
	"cmp"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// variant is a way to run the program with more or less telemetry.
type variant struct {
	name    string
	program string // "" for the one of this source tree
	env     []string
	traces  bool          // spans are sent to a collector
	scrape  time.Duration // interval at which the metrics are read during a run; 0 for never
}

// Names of the variants.
const (
	withoutTelemetry = "telemetry off"
	beforeTelemetry  = "the program before telemetry"
	withMetrics      = "metrics"
	withFewTraces    = "metrics, 10 traces a second"
	withNoTraces     = "metrics, no request traced"
	withAllTraces    = "metrics, every request traced"
)

// off returns the variant that all others are compared with.
func off() variant { return variant{name: withoutTelemetry, env: []string{"ADMIN_ADDR=off"}} }

func traced(name string, env ...string) variant { return variant{name: name, env: env, traces: true} }

func allTraced() variant { return traced(withAllTraces, "OTEL_TRACES_SAMPLER=parentbased_always_on") }

// against returns the variants, and the program given by --against if there is one.
func (p plan) against(variants ...variant) []variant {
	if p.Against != "" {
		variants = append(variants, variant{name: beforeTelemetry, program: p.Against, env: off().env})
	}
	return variants
}

// with starts a system as a variant. A collector for its spans runs until the system has been stopped.
func (s *setup) with(v variant, start func(env ...string) *system) *system {
	own := s.program
	defer func() { s.program = own }()
	s.program = cmp.Or(v.program, own)
	if !v.traces || s.err != nil {
		return start(v.env...)
	}
	c, err := startCollector()
	if err != nil {
		s.err = err
		return s.newSystem()
	}
	of := start(append(v.env, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+c.listener.Addr().String())...)
	of.collector, of.stops = c, slices.Insert(of.stops, 0, c.stop)
	return of
}

// collector stands in for an OpenTelemetry collector. It discards what it receives, but counts the spans.
type collector struct {
	listener net.Listener
	server   http.Server
	spans    atomic.Int64
}

func startCollector() (c *collector, err error) {
	c = &collector{}
	if c.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil { //nolint:noctx // takes no time
		return nil, err
	}
	c.server.Handler = c
	go func() { _ = c.server.Serve(c.listener) }() // returns when stop is called
	return c, nil
}

func (c *collector) stop() { _ = c.server.Close() }

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.URL.Path == "/v1/traces" {
		spans, err := countFields(body, 1, 2, 2) // resource_spans, scope_spans, spans
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.spans.Add(spans)
	}
}

// countFields returns how many fields an encoded protobuf message has at the end of a path of field numbers.
func countFields(message []byte, path ...protowire.Number) (count int64, err error) {
	if len(path) == 0 {
		return 1, nil
	}
	for len(message) > 0 {
		number, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return 0, protowire.ParseError(size)
		}
		length := protowire.ConsumeFieldValue(number, kind, message[size:])
		if length < 0 {
			return 0, protowire.ParseError(length)
		}
		if number == path[0] {
			if kind != protowire.BytesType {
				return 0, errors.New("the field is not a message")
			}
			value, _ := protowire.ConsumeBytes(message[size:])
			inner, err := countFields(value, path[1:]...)
			if err != nil {
				return 0, err
			}
			count += inner
		}
		message = message[size+length:]
	}
	return count, nil
}
