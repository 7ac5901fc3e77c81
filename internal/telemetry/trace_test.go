package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// tracing returns a tracer with the given sampler, and a function that returns the ended spans.
func tracing(t *testing.T, name, argument string, trustClients bool) (*Tracer, func() []*Span) {
	t.Helper()
	sampler, err := NewSampler(name, argument, trustClients)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var spans []*Span
	registry := NewRegistry(&Tracing{Sampler: sampler, Record: func(s *Span) {
		mu.Lock()
		defer mu.Unlock()
		spans = append(spans, s)
	}})
	return registry.Service("test").Tracer(), func() []*Span {
		mu.Lock()
		defer mu.Unlock()
		return spans
	}
}

// traceID returns a trace id. Its second half, which samplers compare with their threshold, begins with the given 16
// bits.
func traceID(first int) string {
	return strings.Repeat("a1", 8) + fmt.Sprintf("%04x00000000000f", first)
}

// sampled returns the trace context that a caller sends if it samples the trace.
func sampled(id string) Traceparent { return Traceparent{id, "00000000000000c1", true} }

// TestSampler checks the decision of each sampler for each kind of caller.
func TestSampler(t *testing.T) {
	const low, high = 0x3fff, 0x4001 // just below and above a quarter
	unsampled := func(id string) Traceparent { return Traceparent{id, "00000000000000c1", false} }
	for _, sampler := range []struct {
		name, argument string
		// The decisions for: no caller; a client's low and high id, sampled; a peer's high id, sampled; a peer's low id,
		// not sampled.
		want string
	}{
		{"", "", "yyyyn"}, {"", "0", "nnnyn"}, {"always_on", "", "yyyyy"}, {"always_off", "", "nnnnn"},
		{"parentbased_always_on", "", "yyyyn"}, {"parentbased_always_off", "", "nyyyn"},
		{"traceidratio", "0.25", "?ynny"}, {"parentbased_traceidratio", "0.25", "?yyyn"},
		{"traceidratio", "", "yyyyy"},
		{"traceidratio", "1", "yyyyy"}, {"traceidratio", "0", "nnnnn"},
	} {
		got := ""
		for i, caller := range []Traceparent{{}, sampled(traceID(low)), sampled(traceID(high)),
			sampled(traceID(high)), unsampled(traceID(low))} {
			tracer, _ := tracing(t, sampler.name, sampler.argument, false)
			span := tracer.Serve("GET /", time.Now(), caller, i >= 3)
			switch {
			case i == 0 && sampler.want[0] == '?': // the id is random
				got += "?"
			case span == nil:
				got += "n"
			default:
				got += "y"
			}
			if span != nil && caller.TraceID != "" && (span.TraceID != caller.TraceID ||
				span.Parent != caller.SpanID) {
				t.Errorf("%s: the span in trace %s has the parent %s, want the caller's span %s", sampler.name, span.TraceID,
					span.Parent, caller)
			}
		}
		if got != sampler.want {
			t.Errorf("sampler %q with argument %q: the decisions are %s, want %s", sampler.name, sampler.argument, got, sampler.want)
		}
	}
}

// TestRatio checks that all services make the same decision for a trace id, and that they sample the configured share.
func TestRatio(t *testing.T) {
	fights, _ := tracing(t, "traceidratio", "0.25", false)
	heroes, _ := tracing(t, "traceidratio", "0.25", false)
	count := 0
	for i := range 1 << 16 {
		id := sampled(traceID(i))
		a, b := fights.Serve("", time.Now(), id, false), heroes.Serve("", time.Now(), id, true)
		if (a == nil) != (b == nil) {
			t.Fatalf("two services make different decisions for %s", id.TraceID)
		}
		if a != nil {
			count++
		}
	}
	if count != 1<<14 {
		t.Errorf("%d of 65536 traces were sampled, want a quarter", count)
	}
}

// TestSamplerErrors checks that the error for an invalid setting names the variable.
func TestSamplerErrors(t *testing.T) {
	for _, wrong := range [][2]string{
		{"sometimes", ""}, {"parentbased_", ""}, {"parentbased_sometimes", ""}, {"jaeger_remote", ""},
		{"", "-1"}, {"", "ten"}, {"", "NaN"}, {"", "100001"}, {"traceidratio", "1.1"},
		{"parentbased_traceidratio", "NaN"}, {"traceidratio", "-0.1"},
	} {
		variable := "OTEL_TRACES_SAMPLER: "
		if wrong[1] != "" {
			variable = "OTEL_TRACES_SAMPLER_ARG: "
		}
		if _, err := NewSampler(wrong[0], wrong[1], false); err == nil || !strings.HasPrefix(err.Error(), variable) {
			t.Errorf("%q: got %v, want an error about %s", wrong, err, variable)
		}
	}
}

// TestLimit checks the number of traces that a service begins, with simulated times: at once, it can begin as many as
// are allowed in one second; afterwards, it begins as many per second as configured.
func TestLimit(t *testing.T) {
	for _, limit := range []struct {
		argument            string
		burst, after, until int // traces at once; traces in the following seconds; number of these seconds
	}{
		{"", 10, 100, 10}, {"2.5", 2, 25, 10}, {"0.1", 1, 2, 20}, {"1000", 1000, 3000, 3}, {"1e-15", 1, 0, 20},
	} {
		tracer, _ := tracing(t, "", limit.argument, false)
		begun := time.Now().Add(24 * time.Hour)
		count := func(from, until time.Duration, every time.Duration) (sampled int) {
			for at := from; at <= until; at += every {
				if _, yes := tracer.sample(begun.Add(at), ""); yes {
					sampled++
				}
			}
			return sampled
		}
		burst := count(0, 0, 1)
		for range 2000 {
			burst += count(0, 0, 1)
		}
		after := count(time.Microsecond, time.Duration(limit.until)*time.Second+time.Microsecond,
			100*time.Microsecond)
		if burst != limit.burst || after != limit.after {
			t.Errorf("limit %q: %d traces began at once and %d within the next %d s, want %d and %d", limit.argument,
				burst, after, limit.until, limit.burst, limit.after)
		}
	}
}

// TestLimitOfClients checks that traces requested by clients count against the limit unless clients are trusted, but
// that peers' traces don't. Each service has its own limit, which concurrent requests share.
func TestLimitOfClients(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		fights, _ := tracing(t, "", "", trusted)
		heroes, _ := tracing(t, "", "", trusted)
		now := time.Now()
		count := func(of *Tracer, caller Traceparent, peer bool) (sampled int) {
			spans := make(chan *Span, 100)
			for range 100 {
				go func() { spans <- of.Serve("", now, caller, peer) }()
			}
			for range 100 {
				if <-spans != nil {
					sampled++
				}
			}
			return sampled
		}
		got := [4]int{count(fights, sampled(traceID(1)), true), count(fights, sampled(traceID(1)), false),
			count(fights, Traceparent{}, false), count(heroes, Traceparent{}, false)}
		want := [4]int{100, 10, 0, 10}
		if trusted {
			want = [4]int{100, 100, 10, 10}
		}
		if got != want {
			t.Errorf("trusted %t: of 100 requests each from peers, tracing clients and other clients, and to another service, "+
				"%d were sampled, want %d", trusted, got, want)
		}
	}
}

// TestSpans checks the ids of spans: a child belongs to its parent's trace, but a shared operation has its own trace.
func TestSpans(t *testing.T) {
	tracer, ended := tracing(t, "always_on", "", false)
	ctx, root := tracer.Root(t.Context(), "root")
	_, child := tracer.Start(ctx, "child", ClientSpan)
	shared, write := tracer.Shared(ctx, "write", ClientSpan, []Traceparent{root.Traceparent, child.Traceparent})
	_, statement := tracer.Start(shared, "statement", ClientSpan)
	inner := tracer.ServeWithin("inner", time.Now(), child)
	for _, s := range []*Span{statement, write, inner, child, root} {
		s.End()
	}
	if root.Parent != "" || child.Parent != root.SpanID || child.TraceID != root.TraceID ||
		inner.Parent != child.SpanID || inner.TraceID != root.TraceID {
		t.Errorf("got the root %+v with the child %+v and the grandchild %+v", root, child, inner)
	}
	if write.TraceID == root.TraceID || write.Parent != "" || len(write.Links) != 2 ||
		statement.TraceID != write.TraceID || statement.Parent != write.SpanID {
		t.Errorf("got the shared operation %+v with the child %+v", write, statement)
	}
	if ctx, span := tracer.Shared(ctx, "write", ClientSpan, nil); span != nil || SpanOf(ctx) != nil {
		t.Error("an operation shared by unsampled requests has a span, or its context contains a request's span")
	}
	known := map[string]bool{}
	for _, s := range ended() {
		if _, ok := ParseTraceparent(s.String()); !ok || known[s.SpanID] || s.Ended.Before(s.Begun) ||
			s.Service != "test" {
			t.Errorf("got %+v", s)
		}
		known[s.SpanID] = true
	}
	if len(known) != 5 {
		t.Errorf("%d spans were recorded, want 5", len(known))
	}
	for range 1000 {
		if id := Unsampled(Traceparent{}).String(); len(id) != 55 || strings.Contains(id, strings.Repeat("0", 16)) ||
			!strings.HasSuffix(id, "-00") {
			t.Fatalf("got %s", id)
		}
	}
	if id := Unsampled(sampled(traceID(1))); id.TraceID != traceID(1) || id.SpanID == "00000000000000c1" ||
		id.Sampled {
		t.Errorf("got %s", id)
	}
}

// TestTracingOff checks that without a tracer or a span, nothing is recorded and nothing is allocated.
func TestTracingOff(t *testing.T) {
	var off *Tracing
	tracer := off.newTracer("test")
	histogram := NewHistogram(HTTPServerDuration)
	requests := []Traceparent{sampled(traceID(1))}
	ctx := t.Context()
	allocations := testing.AllocsPerRun(100, func() {
		for _, start := range []func() (context.Context, *Span){
			func() (context.Context, *Span) { return tracer.Start(ctx, "", ClientSpan) },
			func() (context.Context, *Span) { return tracer.Root(ctx, "") },
			func() (context.Context, *Span) { return tracer.Shared(ctx, "", ClientSpan, requests) },
		} {
			got, span := start()
			if got != ctx || span != nil {
				t.Fatal("there is a span")
			}
		}
		span := tracer.Serve("", time.Time{}, requests[0], true)
		if span != nil || tracer.ServeWithin("", time.Time{}, &Span{}) != nil || span.Context() != (Traceparent{}) {
			t.Fatal("there is a span")
		}
		span.Set(slog.String("a", "b"), slog.Int("c", 1))
		span.Link(requests[0])
		span.Fail("test")
		span.End()
		histogram.ObserveIn(1, span)
	})
	if allocations != 0 {
		t.Errorf("%g allocations with tracing off, want none", allocations)
	}
	sampling, _ := tracing(t, "always_on", "", false)
	if allocations := testing.AllocsPerRun(100, func() { sampling.Start(ctx, "", ClientSpan) }); allocations != 0 {
		t.Errorf("%g allocations for a request that isn't sampled, want none", allocations)
	}
}
