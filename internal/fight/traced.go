package fight

import (
	"context"

	"superheroes/internal/telemetry"
)

// Traced returns a source that records two spans for each call to Random: one in the fights service and one in the
// catalog's service, as if the services ran in separate processes. Both spans have the name route, which names the
// HTTP request that the call replaces. source must not be a Refuser. If fights is nil, Traced returns source itself.
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
