package httpserver

import (
	"context"
	"net/http"
	"strings"

	"superheroes/internal/telemetry"
)

// The headers of W3C Trace Context, in the form of http.Header's keys.
const (
	traceparentHeader = "Traceparent"
	tracestateHeader  = "Tracestate"
	baggageHeader     = "Baggage"
)

// The longest tracestate and baggage that are passed on, in bytes: the minimum that the standards require.
const (
	maxTracestate = 512
	maxBaggage    = 8192
)

// traceOf returns the trace that the request of ctx belongs to, if its client has sent a valid traceparent header, and
// that header.
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

// PassTrace adds the trace context and the baggage of the request that ctx belongs to, if it has any, to the headers of a
// request to a peer.
func PassTrace(ctx context.Context, header http.Header) {
	x := exchangeOf(ctx)
	if x == nil {
		return
	}
	pass := func(key string, longest int) {
		value := strings.Join(x.header[key], ",")
		if value != "" && len(value) <= longest {
			header[key] = []string{value}
		}
	}
	pass(baggageHeader, maxBaggage)
	if _, parent := traceOf(ctx); parent != "" {
		header[traceparentHeader] = []string{parent}
		pass(tracestateHeader, maxTracestate)
	}
}

// logged returns the ids under which the request of ctx is logged, as arguments for a slog.Logger.
func logged(ctx context.Context) []any {
	ids := []any{"request_id", RequestID(ctx)}
	if trace, _ := traceOf(ctx); trace.TraceID != "" {
		ids = append(ids, "trace_id", trace.TraceID, "span_id", trace.SpanID)
	}
	return ids
}
