package storage

import (
	"context"
	"errors"
	"time"

	"superheroes/internal/telemetry"
)

// Operations measures the operations of a store on one table or collection. The zero value measures nothing. It is safe
// for concurrent use.
type Operations struct{ durations *telemetry.Vec[outcome] }

// outcome is an operation with its kind of failure, which is "" for success.
type outcome struct{ operation, failure string }

// Measure adds the metrics of the operations. system is the name of the engine in OpenTelemetry's semantic conventions:
// postgresql, mariadb, mongodb or sqlite. Call it before the first operation.
func (o *Operations) Measure(m *telemetry.Metrics, system, collection string) {
	if m == nil {
		return
	}
	o.durations = telemetry.NewVec(m, telemetry.DBClientDuration, func(of outcome) []string {
		return []string{system, collection, of.operation, of.failure}
	})
}

// Operation is an operation in progress.
type Operation struct {
	of    *Operations
	name  string
	begun time.Time
}

// Begin begins an operation, such as SELECT. The caller must call End, and use the returned context for the operation.
func (o *Operations) Begin(ctx context.Context, name string) (context.Context, Operation) {
	if o.durations == nil {
		return ctx, Operation{}
	}
	return ctx, Operation{o, name, time.Now()}
}

// End records the duration and, if the operation failed, its kind of failure. It may be deferred with the address of the
// result. That there is no row with the given id isn't a failure.
func (o Operation) End(err *error) {
	if o.of != nil {
		o.of.durations.Of(outcome{o.name, failureOf(*err)}).Observe(int64(time.Since(o.begun)))
	}
}

// failureOf returns the kind of failure for the label error.type, or "".
func failureOf(err error) string {
	switch kind := KindOf(err); {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case kind != nil:
		return map[error]string{
			ErrBusy: "busy", ErrFull: "full", ErrDamaged: "damaged", ErrSchema: "schema", ErrUnavailable: "unavailable",
		}[kind]
	case errors.As(err, new(*RowError)):
		return "row"
	}
	return ""
}
