package storage

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"superheroes/internal/telemetry"
)

// Operations measures the operations of a store on one table or collection. The zero value measures nothing. It is safe
// for concurrent use.
type Operations struct {
	durations atomic.Pointer[telemetry.Vec[outcome]]
}

// outcome is an operation with its kind of failure, which is "" for success.
type outcome struct{ operation, detail, failure string }

// Measure adds the metrics of the operations. system is the name of the engine in OpenTelemetry's semantic conventions:
// postgresql, mysql, mongodb or sqlite.
func (o *Operations) Measure(m *telemetry.Metrics, system, collection string) {
	if m == nil {
		return
	}
	o.durations.Store(telemetry.NewVec(m, telemetry.DBClientDuration, func(of outcome) []string {
		operation := of.operation
		if system == "mongodb" {
			operation = map[string]string{"SELECT": "find", "INSERT": "insert", "UPDATE": "update", "COUNT": "aggregate"}[operation]
		}
		summary := operation + " " + collection
		if of.detail != "" {
			summary += " " + of.detail
		}
		return []string{system, collection, operation, summary, of.failure}
	}))
}

// Operation is an operation in progress.
type Operation struct {
	of           *Operations
	name, detail string
	begun        time.Time
}

// Begin begins an operation: SELECT, INSERT, UPDATE or COUNT. The detail, which may be empty, distinguishes operations of
// the same name. The caller must call End, and use the returned context for the operation.
func (o *Operations) Begin(ctx context.Context, name, detail string) (context.Context, Operation) {
	if o.durations.Load() == nil {
		return ctx, Operation{}
	}
	return ctx, Operation{o, name, detail, time.Now()}
}

// End records the duration and, if the operation failed, the kind of failure. It may be deferred with the address of the
// result. An error that isn't a failure, such as that there is no such row, must be replaced by nil.
func (o Operation) End(err *error) {
	if o.of != nil {
		o.of.durations.Load().Of(outcome{o.name, o.detail, failureOf(*err)}).Observe(int64(time.Since(o.begun)))
	}
}

// failureOf returns the kind of failure for the label error.type, or "" if err is nil.
func failureOf(err error) string {
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
