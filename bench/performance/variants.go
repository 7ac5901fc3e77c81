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

// variant is a program and the telemetry settings with which it runs.
type variant struct {
	name    string
	program string // its path; "" for the program built from this source tree
	env     []string
	traces  bool          // whether spans are sent to a collector
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

// off returns the variant without telemetry, with which all others are compared.
func off() variant { return variant{name: withoutTelemetry, env: []string{"ADMIN_ADDR=off"}} }

func traced(name string, env ...string) variant { return variant{name: name, env: env, traces: true} }

func allTraced() variant { return traced(withAllTraces, "OTEL_TRACES_SAMPLER=parentbased_always_on") }

// against returns the variants, followed by the earlier program if --against gives one.
func (p plan) against(variants ...variant) []variant {
	if p.Against != "" {
		variants = append(variants, variant{name: beforeTelemetry, program: p.Against, env: off().env})
	}
	return variants
}

// with starts a system in a variant. If the variant sends spans, a collector receives them until the system stops.
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

// collector stands in for an OpenTelemetry collector. It counts the spans that it receives, and discards everything.
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

// countFields counts the fields that a path of field numbers leads to in an encoded protobuf message.
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
