package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"time"
)

// SpanKind is a span's relation to its parent and children. Its values are OTLP's.
type SpanKind uint8

// The kinds.
const (
	InternalSpan SpanKind = 1
	ServerSpan   SpanKind = 2
	ClientSpan   SpanKind = 3
)

// Span is an operation that is part of a sampled trace. A nil *Span represents an operation that isn't part of one; its
// methods do nothing. Only one goroutine at a time may use a span.
type Span struct {
	Traceparent // the ids of the trace and the span
	Service     string
	Parent      string // id of the parent span, or "" for the root of a trace
	Name        string
	Kind        SpanKind
	Begun       time.Time
	Ended       time.Time
	Attributes  []slog.Attr // strings and integers
	Links       []Traceparent
	Failed      bool

	record func(*Span)
}

// Set adds attributes.
func (s *Span) Set(attributes ...slog.Attr) {
	if s != nil {
		s.Attributes = append(s.Attributes, attributes...)
	}
}

// Link adds a link to a span, which may belong to another trace. An invalid Traceparent is ignored.
func (s *Span) Link(to Traceparent) {
	if s != nil && to.TraceID != "" {
		s.Links = append(s.Links, to)
	}
}

// Fail marks the span as failed. kind is the kind of failure, as in the metrics' label error.type. If kind is empty,
// Fail does nothing.
func (s *Span) Fail(kind string) {
	if s != nil && kind != "" {
		s.Failed = true
		s.Attributes = append(s.Attributes, slog.String("error.type", kind))
	}
}

// End ends the span and hands it over for export. The span must not be changed afterwards.
func (s *Span) End() {
	if s != nil {
		s.Ended = s.Begun.Add(time.Since(s.Begun)) // not before Begun, even if the clock has been set back
		s.record(s)
	}
}

// Context returns the span's ids, or the zero Traceparent if s is nil.
func (s *Span) Context() Traceparent {
	if s == nil {
		return Traceparent{}
	}
	return s.Traceparent
}

// SpanKey is the key of a context's span. It is exported for implementations of context.Context.
type SpanKey struct{}

// SpanOf returns the span of ctx, or nil.
func SpanOf(ctx context.Context) *Span {
	span, _ := ctx.Value(SpanKey{}).(*Span)
	return span
}

// Tracer starts the spans of one service. It is nil if tracing is off; then it starts no spans. A Tracer is safe for
// concurrent use.
type Tracer struct {
	service string
	begun   time.Time // start of the rate limit's time scale, which is monotonic
	sampler Sampler
	limit   rateLimit
	record  func(*Span)
}

// Tracing configures the tracers of a process.
type Tracing struct {
	Sampler Sampler
	Record  func(*Span) // called with each span when it ends; must not block
}

// newTracer returns the tracer of a service, or nil if t is nil.
func (t *Tracing) newTracer(service string) *Tracer {
	if t == nil {
		return nil
	}
	return &Tracer{service: service, begun: time.Now(), sampler: t.Sampler, record: t.Record}
}

// Start starts a child of the span in ctx, and returns it together with a context that contains it. If ctx has no span,
// Start returns ctx and nil.
func (t *Tracer) Start(ctx context.Context, name string, kind SpanKind) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	parent := SpanOf(ctx)
	if parent == nil {
		return ctx, nil
	}
	return within(ctx, t.span(name, kind, parent.Traceparent, time.Now()))
}

// Root starts a trace for work that no request has caused, if the sampler decides to record it.
func (t *Tracer) Root(ctx context.Context, name string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	now := time.Now()
	id, sampled := t.sample(now, "")
	if !sampled {
		return ctx, nil
	}
	return within(ctx, t.span(name, InternalSpan, Traceparent{TraceID: id}, now))
}

// Shared starts a trace for an operation that several requests share. requests contains the spans of those requests
// that are sampled. If there are none, Shared starts no trace, and returns a context without a span.
func (t *Tracer) Shared(ctx context.Context, name string, kind SpanKind, requests []Traceparent) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	if len(requests) == 0 {
		return within(ctx, nil)
	}
	span := t.span(name, kind, Traceparent{}, time.Now())
	span.Links = requests
	return within(ctx, span)
}

func within(ctx context.Context, span *Span) (context.Context, *Span) {
	return context.WithValue(ctx, SpanKey{}, span), span
}

// Serve starts the span of a request that began at the given time, unless the sampler decides against it. parent
// identifies the caller's span; it is the zero Traceparent if the caller has sent none. peer is true if the caller is
// another of our services, which has made its sampling decision by the same rules.
func (t *Tracer) Serve(name string, begun time.Time, parent Traceparent, peer bool) *Span {
	if t == nil {
		return nil
	}
	adopted := t.sampler.parentBased && parent.TraceID != "" && (peer || t.sampler.trusts || !parent.Sampled)
	sampled := parent.Sampled
	if !adopted {
		parent.TraceID, sampled = t.sample(begun, parent.TraceID)
	}
	if !sampled {
		return nil
	}
	return t.span(name, ServerSpan, parent, begun)
}

// ServeWithin starts the span of a request that was made in this process, as a child of the caller's span.
func (t *Tracer) ServeWithin(name string, begun time.Time, caller *Span) *Span {
	if t == nil || caller == nil {
		return nil
	}
	return t.span(name, InternalSpan, caller.Traceparent, begun)
}

// span returns a span that begins at the given time. Without a parent, the span begins a trace.
func (t *Tracer) span(name string, kind SpanKind, parent Traceparent, begun time.Time) *Span {
	id := Traceparent{TraceID: parent.TraceID, SpanID: randomHex(1), Sampled: true}
	if id.TraceID == "" {
		id.TraceID = randomHex(2)
	}
	return &Span{
		Traceparent: id, Service: t.service, Parent: parent.SpanID, Name: name, Kind: kind, Begun: begun, record: t.record,
	}
}

// Unsampled returns the trace context to send to a peer for a request that isn't sampled, so that the peer doesn't
// sample it either. parent is the trace context in the request, if any.
func Unsampled(parent Traceparent) Traceparent {
	id := Traceparent{TraceID: parent.TraceID, SpanID: randomHex(1)}
	if id.TraceID == "" {
		id.TraceID = randomHex(2)
	}
	return id
}

// randomHex returns the given number of random 64-bit words in hexadecimal. No word is zero.
func randomHex(words int) string {
	id := make([]byte, 0, 16)
	for range words {
		id = binary.BigEndian.AppendUint64(id, rand.Uint64()|1)
	}
	return hex.EncodeToString(id)
}
