package fight

import (
	"context"

	"superheroes/internal/telemetry"
)

// Traced makes the calls to the source spans of the fights that they are for: one of the fights service and one of the
// catalog's service, as if they were in two processes. route is the operation that the calls stand for. The source must not
// be a Refuser. Without a tracer, Traced returns the source itself.
func Traced[T any](source Source[T], fights, catalog *telemetry.Tracer, route string) Source[T] {
	if fights == nil {
		return source
	}
	return traced[T]{source, fights, catalog, route}
}

type traced[T any] struct {
	Source[T]
	fights, catalog *telemetry.Tracer
	route           string
}

// Random implements Source.
func (t traced[T]) Random(ctx context.Context) (item T, err error) {
	ctx, call := t.fights.Start(ctx, t.route, telemetry.InternalSpan)
	ctx, pick := t.catalog.Start(ctx, t.route, telemetry.InternalSpan)
	defer func() {
		if err != nil {
			pick.Fail("_OTHER")
			call.Fail("_OTHER")
		}
		pick.End()
		call.End()
	}()
	return t.Source.Random(ctx)
}
