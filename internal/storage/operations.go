package storage

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"superheroes/internal/telemetry"
)

// Operations measures and traces the operations of a store on one table or collection. The zero value does neither. It
// is safe for concurrent use.
type Operations struct {
	measured atomic.Pointer[measured]
}

// measured contains what Operations need for measuring and tracing.
type measured struct {
	durations          *telemetry.Vec[outcome]
	tracer             *telemetry.Tracer
	system, collection string
}

// outcome is an operation and its kind of failure, which is "" for success.
type outcome struct{ operation, detail, failure string }

// Measure adds the metrics of the operations. system is the name of the engine in OpenTelemetry's semantic conventions:
// postgresql, mysql, mongodb or sqlite.
func (o *Operations) Measure(m *telemetry.Metrics, system, collection string) {
	if m == nil {
		return
	}
	to := &measured{tracer: m.Tracer(), system: system, collection: collection}
	to.durations = telemetry.NewVec(m, telemetry.DBClientDuration, to.labels)
	o.measured.Store(to)
}

// labels returns the label values of an operation's series.
func (m *measured) labels(of outcome) []string {
	operation := of.operation
	if m.system == "mongodb" {
		operation = map[string]string{"SELECT": "find", "INSERT": "insert", "UPDATE": "update", "COUNT": "aggregate"}[operation]
	}
	summary := operation + " " + m.collection
	if of.detail != "" {
		summary += " " + of.detail
	}
	return []string{m.system, m.collection, operation, summary, of.failure}
}

// Operation is an operation in progress.
type Operation struct {
	of           *measured
	name, detail string
	begun        time.Time
	span         *telemetry.Span
}

// Begin begins an operation: SELECT, INSERT, UPDATE or COUNT. The detail, which may be empty, distinguishes operations
// with the same name. The caller must call End, and use the returned context for the operation.
func (o *Operations) Begin(ctx context.Context, name, detail string) (context.Context, Operation) {
	of := o.measured.Load()
	if of == nil {
		return ctx, Operation{}
	}
	ctx, span := of.tracer.Start(ctx, "", telemetry.ClientSpan)
	of.describe(span, name, detail)
	return ctx, Operation{of, name, detail, time.Now(), span}
}

// BeginShared begins a write that several requests share, and returns its span, which the caller must end. The write
// has the given number of rows. It is a trace of its own, with links to the requests' spans. Since each request
// measures its own operation, the write itself isn't measured.
func (o *Operations) BeginShared(ctx context.Context, name string, rows int, requests []telemetry.Traceparent) (
	context.Context, *telemetry.Span,
) {
	of := o.measured.Load()
	if of == nil {
		return ctx, nil
	}
	ctx, span := of.tracer.Shared(ctx, "", telemetry.ClientSpan, requests)
	of.describe(span, name, "")
	span.Set(slog.Int("db.operation.batch.size", rows))
	return ctx, span
}

// Traced reports whether operations can be part of a trace.
func (o *Operations) Traced() bool {
	of := o.measured.Load()
	return of != nil && of.tracer != nil
}

// describe sets the name and the attributes of a span. They contain neither the text nor the parameters of a statement.
func (m *measured) describe(span *telemetry.Span, name, detail string) {
	if span == nil {
		return
	}
	labels := m.labels(outcome{name, detail, ""})
	span.Name = labels[3]
	for i, key := range telemetry.DBClientDuration.Labels[:4] {
		span.Set(slog.String(key, labels[i]))
	}
}

// End records the duration and, if the operation failed, the kind of failure. It may be deferred with the address of
// the result. Errors that aren't failures, for example for a missing row, must be replaced by nil.
func (o Operation) End(err *error) {
	if o.of == nil {
		return
	}
	failure := FailureOf(*err)
	o.of.durations.Of(outcome{o.name, o.detail, failure}).ObserveIn(int64(time.Since(o.begun)), o.span)
	o.span.Fail(failure)
	o.span.End()
}

// FailureOf returns the kind of failure for the label error.type, or "" if err is nil.
func FailureOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, new(*RowError)):
		return "row"
	}
	name := map[error]string{
		ErrBusy: "busy", ErrFull: "full", ErrDamaged: "damaged", ErrSchema: "schema", ErrUnavailable: "unavailable",
	}[KindOf(err)]
	return cmp.Or(name, "_OTHER")
}
