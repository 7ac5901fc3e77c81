package fight

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"superheroes/internal/telemetry"
	"superheroes/internal/telemetry/telemetrytest"
)

// tracing returns the instruments of a service that samples everything, and the spans that it records.
func tracing(t *testing.T, service string) (*telemetry.Metrics, *telemetrytest.Spans) {
	t.Helper()
	registry, spans := telemetrytest.Registry(t, "always_on", "")
	return registry.Service(service), spans
}

// TestSharedWriteIsTraced checks the span of a write for sampled and other fights, one of whose callers may give up,
// with different outcomes of the write. The write has one span, with a link to each sampled fight, and the sampled
// fights have links to it. If no fight is sampled, the write has no span.
func TestSharedWriteIsTraced(t *testing.T) {
	full := errors.New("test")
	for name, test := range map[string]struct {
		sampled []int // among the documents 1 to 4, which share a write
		leaves  int   // the document whose caller gives up during the write; 0 for none
		outcome func(n int) error
		failure string
	}{
		"some":             {[]int{1, 3}, 0, nil, ""},
		"all":              {[]int{1, 2, 3, 4}, 0, nil, ""},
		"none":             {nil, 0, nil, ""},
		"one gives up":     {[]int{1, 2, 4}, 2, nil, ""},
		"one fails":        {[]int{2, 3}, 0, func(n int) error { return map[int]error{3: full}[n] }, "_OTHER"},
		"the write panics": {[]int{1, 4}, 0, panics, "_OTHER"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				metrics, recorded := tracing(t, "fights")
				e := &engine{release: make(chan struct{}), outcome: test.outcome}
				c := NewCommitter(e.write)
				c.Measure(metrics, "sqlite", "fight")
				first := insert(c, numbered(0, 1), 0)
				var fights []*telemetry.Span
				links := map[int]*telemetry.Span{}
				var calls []*caller
				for n := 1; n <= 4; n++ {
					ctx := context.Background()
					if slices.Contains(test.sampled, n) {
						var span *telemetry.Span
						ctx, span = metrics.Tracer().Root(ctx, "fight")
						links[n], fights = span, append(fights, span)
					}
					calls = append(calls, insertIn(ctx, c, numbered(n, 1)))
				}
				e.release <- struct{}{}
				synctest.Wait()
				if test.leaves > 0 {
					calls[test.leaves-1].cancel()
					synctest.Wait()
				}
				if name != "the write panics" {
					e.release <- struct{}{}
				}
				_ = first.result()
				for _, call := range calls {
					_ = call.result()
				}
				checkShared(t, recorded.All(), fights, test.failure)
				for n, fight := range links {
					if linked := len(fight.Links) == 1 &&
						fight.Links[0] == recorded.All()[0].Traceparent; linked != (n != test.leaves) {
						t.Errorf("fight %d links to %v", n, fight.Links)
					}
				}
			})
		})
	}
}

// panics is the outcome of a write that panics at document 4.
func panics(n int) error {
	if n == 4 {
		panic("test")
	}
	return nil
}

// checkShared checks the span of a write that several fights share. fights contains the spans of the sampled ones.
func checkShared(t *testing.T, recorded, fights []*telemetry.Span, failure string) {
	t.Helper()
	if len(fights) == 0 {
		if len(recorded) > 0 {
			t.Errorf("got the spans %v for fights that aren't sampled", recorded)
		}
		return
	}
	if len(recorded) != 1 {
		t.Fatalf("got the spans %v, want only the span of the shared write", recorded)
	}
	write, attributes := recorded[0], map[string]string{}
	for _, a := range recorded[0].Attributes {
		attributes[a.Key] = a.Value.String()
	}
	var want []telemetry.Traceparent
	for _, fight := range fights {
		want = append(want, fight.Traceparent)
	}
	if !slices.Equal(write.Links, want) || write.Parent != "" || write.Name != "INSERT fight" ||
		write.Kind != telemetry.ClientSpan ||
		attributes["db.operation.batch.size"] != "4" || write.Failed != (failure != "") ||
		attributes["error.type"] != failure {
		t.Errorf("got %+v, want links to %v and the failure %q", write, want, failure)
	}
}

// TestTracedSource checks that a pick within one process has a span in each of the two services.
func TestTracedSource(t *testing.T) {
	fights, called := tracing(t, "fights")
	heroes, served := tracing(t, "heroes")
	source := Traced[int](failing{}, fights.Tracer(), heroes.Tracer(), "GET /random")
	if _, err := source.Random(t.Context()); err == nil || len(called.All())+len(served.All()) > 0 {
		t.Errorf("got %v and the spans %v and %v without a sampled fight", err, called.All(), served.All())
	}
	ctx, root := fights.Tracer().Root(t.Context(), "fight")
	_, _ = source.Random(ctx)
	if len(called.All()) != 1 || len(served.All()) != 1 {
		t.Fatalf("got the spans %v and %v", called.All(), served.All())
	}
	call, pick := called.All()[0], served.All()[0]
	if call.Parent != root.SpanID || pick.Parent != call.SpanID || pick.TraceID != root.TraceID || !call.Failed ||
		!pick.Failed || pick.Service != "heroes" {
		t.Errorf("got the call %+v and the pick %+v", call, pick)
	}
	if untraced := Source[int](failing{}); Traced(untraced, nil, nil, "") != untraced {
		t.Error("a source is wrapped although tracing is off")
	}
}

// failing is a source that always fails.
type failing struct{}

func (failing) Ready() (int, bool)                  { return 0, false }
func (failing) Random(context.Context) (int, error) { return 0, errors.New("test") }
