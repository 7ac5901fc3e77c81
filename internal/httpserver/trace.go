package httpserver

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"superheroes/internal/telemetry"
)

// The headers for W3C Trace Context and Baggage, in the form that http.Header uses for its keys.
const (
	traceparentHeader = "Traceparent"
	tracestateHeader  = "Tracestate"
	baggageHeader     = "Baggage"
)

// The maximum sizes of the tracestate and baggage that are passed on, in bytes. The standards require at least these
// sizes.
const (
	maxTracestate = 512
	maxBaggage    = 8192
)

// ownMember is the first member of the tracestate that our services send. It tells a peer that the sampling decision
// was made by the same rules, and need not be made again. A client that sends it can have more traces recorded than the
// limit allows, but has no other advantage; a proxy in front of the services can remove it.
const ownMember = "superheroes=1"

// traceOf returns the trace context in the request that ctx belongs to, and its header. It returns zero values if there
// is no valid one.
func traceOf(ctx context.Context) (trace telemetry.Traceparent, header string) {
	x := exchangeOf(ctx)
	if x == nil {
		return trace, ""
	}
	sent := x.header[traceparentHeader]
	if len(sent) != 1 {
		return trace, ""
	}
	trace, ok := telemetry.ParseTraceparent(sent[0])
	if !ok {
		return trace, ""
	}
	return trace, sent[0]
}

// trace starts the span of a request to the route, if the request is part of a sampled trace. A request from another
// service in this process, such as the arena, belongs to that service's trace.
func (m *measure) trace(x *exchange, r *http.Request) *telemetry.Span {
	if m == nil || m.tracer == nil {
		return nil
	}
	begun := x.deadline.Add(-x.timeout)
	var span *telemetry.Span
	if exchangeOf(x.parent) != nil {
		span = m.tracer.ServeWithin("", begun, telemetry.SpanOf(x.parent))
	} else {
		client, _ := traceOf(x)
		span = m.tracer.Serve("", begun, client, isPeer(x.header))
	}
	if span != nil {
		span.Name = r.Method + " " + m.route // the method may be HEAD for a GET route
		span.Set(slog.String("http.request.method", r.Method), slog.String("url.scheme", "http"),
			slog.String("url.path", r.URL.Path), slog.String("http.route", m.route))
	}
	return span
}

// isPeer reports whether a request comes from one of our services, either directly or through a proxy that takes part
// in the trace.
func isPeer(header http.Header) bool {
	for _, list := range header[tracestateHeader] {
		for member := range strings.SplitSeq(list, ",") {
			if strings.Trim(member, " \t") == ownMember {
				return true
			}
		}
	}
	return false
}

// ownState returns the tracestate to send to a peer: our member, followed by as many of the received members as fit,
// except those with our key.
func ownState(received string) string {
	key, _, _ := strings.Cut(ownMember, "=")
	state := ownMember
	for member := range strings.SplitSeq(received, ",") {
		member = strings.Trim(member, " \t")
		if member == "" || strings.HasPrefix(member, key+"=") {
			continue
		}
		if len(state)+1+len(member) > maxTracestate {
			break
		}
		state += "," + member
	}
	return state
}

// endSpan ends the request's span, if it has one.
func (x *exchange) endSpan(failure string) {
	if x.span == nil {
		return
	}
	if x.status != 0 {
		x.span.Set(slog.Int("http.response.status_code", x.status))
	}
	x.span.Fail(failure)
	x.span.End()
}

// PassTrace adds the trace context and the baggage of the request that ctx belongs to, if it has any, to the headers of
// a request to a peer. If the service traces its requests, the span in ctx becomes the parent of the peer's span, or,
// if there is no span, the headers say that the request isn't sampled.
func PassTrace(ctx context.Context, tracing bool, header http.Header) {
	x := exchangeOf(ctx)
	if x != nil {
		pass(header, baggageHeader, strings.Join(x.header[baggageHeader], ","), maxBaggage)
	}
	parent, sent := traceOf(ctx)
	var state string
	if sent != "" {
		state = strings.Join(x.header[tracestateHeader], ",")
	}
	if tracing {
		id := telemetry.SpanOf(ctx).Context()
		if id.TraceID == "" {
			id = telemetry.Unsampled(parent)
		}
		sent, state = id.String(), ownState(state)
	}
	pass(header, traceparentHeader, sent, maxTracestate)
	pass(header, tracestateHeader, state, maxTracestate)
}

// pass sets a header, unless the value is empty or too long.
func pass(header http.Header, key, value string, longest int) {
	if value != "" && len(value) <= longest {
		header[key] = []string{value}
	}
}

// spanOf returns the span in ctx or, if there is none, the trace context that the client has sent.
func spanOf(ctx context.Context) telemetry.Traceparent {
	if span := telemetry.SpanOf(ctx); span != nil {
		return span.Traceparent
	}
	sent, _ := traceOf(ctx)
	return sent
}

// logged returns the ids to include in log lines about the request that ctx belongs to, as arguments for a slog.Logger.
func logged(ctx context.Context) []any {
	ids := []any{"request_id", RequestID(ctx)}
	if span := spanOf(ctx); span.TraceID != "" {
		ids = append(ids, "trace_id", span.TraceID, "span_id", span.SpanID)
	}
	return ids
}
