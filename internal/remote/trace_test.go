package remote

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"superheroes/internal/telemetry"
	"superheroes/internal/telemetry/telemetrytest"
	"superheroes/test/await"
	"superheroes/test/fakepeer"
)

// tracing returns the instruments of a service that samples everything, and the spans that it records.
func tracing(t *testing.T) (*telemetry.Metrics, *telemetrytest.Spans) {
	t.Helper()
	registry, spans := telemetrytest.Registry(t, "always_on", "")
	return registry.Service("fights"), spans
}

// attribute returns the value of an attribute as a string, or "" if there is none.
func attribute(span *telemetry.Span, key string) string {
	for _, a := range span.Attributes {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

// TestPicksAreTraced checks the spans of a batch of picks for sampled and other fights, some of whose callers give up.
// The batch is a trace of its own, and the sampled fights and the batch have links to each other. A single pick belongs
// to its fight's trace.
func TestPicksAreTraced(t *testing.T) {
	for name, test := range map[string]struct {
		sampled []int // among the callers 1 to 5, which share a batch
		leaves  int   // the caller that gives up; 0 for none
	}{
		"none":                        {nil, 0},
		"some, not the first":         {[]int{2, 4}, 0},
		"all":                         {[]int{1, 2, 3, 4, 5}, 0},
		"one gives up":                {[]int{1, 3}, 3},
		"the first gives up":          {[]int{1, 3}, 1},
		"one not sampled gives up":    {[]int{1, 3}, 2},
		"the only sampled one leaves": {[]int{2}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			peer := newPeerOfBatches(t)
			var mu sync.Mutex
			var parents []string
			peer.Behave(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				parents = append(parents, r.Header.Get("Traceparent"))
				mu.Unlock()
				peer.draw(w, r)
			})
			batches, _, _ := newBatches(t, peer.URL, patient())
			metrics, recorded := tracing(t)
			batches.Measure(metrics)
			release := peer.hold()
			var group errgroup.Group
			ctx, single := metrics.Tracer().Root(t.Context(), "fight")
			group.Go(func() error { _, err := batches.Random(ctx); return err })
			await.True(t, "the peer gets the single pick", func() bool { return len(peer.asked()) == 1 })
			fights, leave := map[int]*telemetry.Span{}, map[int]context.CancelFunc{}
			for n := 1; n <= 5; n++ {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				leave[n] = cancel
				if slices.Contains(test.sampled, n) {
					ctx, fights[n] = metrics.Tracer().Root(ctx, "fight")
				}
				group.Go(func() error {
					_, err := batches.Random(ctx)
					if n == test.leaves {
						return nil
					}
					return err
				})
				await.True(t, "the caller waits", func() bool { return waiting(batches) == n+1 })
			}
			if test.leaves > 0 {
				leave[test.leaves]()
				await.True(t, "the caller has left", func() bool { return waiting(batches) == 5 })
			}
			release()
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			if calls := recorded.Children(single.SpanID); len(calls) != 1 ||
				calls[0].Name != "GET /api/heroes/random_hero" ||
				calls[0].TraceID != single.TraceID || calls[0].String() != parents[0] || len(calls[0].Links) > 0 {
				t.Errorf("the single pick has the spans %+v, and the peer got the parent %s", calls, parents[0])
			}
			if asked := peer.asked(); !slices.Equal(asked, []int{0, 10}) { // twice the demand
				t.Errorf("the requested counts are %v", asked)
			}
			checkBatch(t, recorded, fights, test.leaves, parents[1])
		})
	}
}

// checkBatch checks the spans of a batch that several fights share. fights contains the sampled fights by number, and
// left is the number of the fight whose caller has given up. parent is the traceparent that the peer got.
func checkBatch(t *testing.T, recorded *telemetrytest.Spans, fights map[int]*telemetry.Span, left int, parent string) {
	t.Helper()
	shared := recorded.Children("")
	if len(fights) == 0 {
		if len(shared) > 0 || len(recorded.All()) != 1 || !strings.HasSuffix(parent, "-00") {
			t.Errorf("got the spans %v and the parent %s for fights that aren't sampled", shared, parent)
		}
		return
	}
	want := map[telemetry.Traceparent]bool{}
	for _, fight := range fights {
		want[fight.Traceparent] = true
	}
	if len(shared) != 1 || len(shared[0].Links) != len(fights) ||
		attribute(shared[0], "superheroes.pick.batch.size") != "10" || shared[0].Failed {
		t.Fatalf("got %+v, want a batch with links to %v", shared, want)
	}
	for _, link := range shared[0].Links {
		if !want[link] {
			t.Errorf("the batch has a link to %s, want only %v", link, want)
		}
	}
	if calls := recorded.Children(shared[0].SpanID); len(calls) != 1 || calls[0].Name != "GET /api/heroes/picks" ||
		calls[0].String() != parent {
		t.Errorf("the batch has the calls %+v, and the peer got the parent %s", calls, parent)
	}
	for n, fight := range fights {
		waits := recorded.Children(fight.SpanID)
		if n == left {
			if len(waits) != 1 || len(waits[0].Links) > 0 || attribute(waits[0], "error.type") != "canceled" {
				t.Errorf("the fight that gave up has the spans %+v, want one that was canceled", waits)
			}
			continue
		}
		if len(waits) != 1 || !slices.Equal(waits[0].Links, []telemetry.Traceparent{shared[0].Traceparent}) ||
			waits[0].Name != "wait for picks of heroes" {
			t.Errorf("fight %d has the spans %+v, want one with a link to the batch", n, waits)
		}
	}
}

// TestCallsAreTraced checks the span of a call for each kind of response. Spans must not contain the peer's password.
func TestCallsAreTraced(t *testing.T) {
	for name, test := range map[string]struct {
		behaviour       http.HandlerFunc
		status, failure string
	}{
		"success":    {fakepeer.Answers(http.StatusOK, fakepeer.Hero), "200", ""},
		"empty":      {fakepeer.Answers(http.StatusNotFound, "{}"), "404", "404"},
		"failure":    {fakepeer.Answers(http.StatusServiceUnavailable, "{}"), "503", "503"},
		"broken off": {fakepeer.BreaksOff(""), "", "connection"},
		"truncated":  {fakepeer.BreaksOff("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"), "200", "connection"},
	} {
		t.Run(name, func(t *testing.T) {
			peer := fakepeer.New(t, test.behaviour)
			at, err := url.Parse(peer.URL)
			if err != nil {
				t.Fatal(err)
			}
			client := newClient(t, "http://lois:kryptonite@"+at.Host+"/below", patient())
			metrics, recorded := tracing(t)
			client.Measure(metrics)
			_, _ = client.Random(t.Context()) // not sampled
			ctx, fight := metrics.Tracer().Root(t.Context(), "fight")
			_, _ = client.Random(ctx)
			client.ended(t)
			calls := recorded.Children(fight.SpanID)
			if len(recorded.All()) != 1 || len(calls) != 1 {
				t.Fatalf("got the spans %+v", recorded.All())
			}
			for key, want := range map[string]string{
				"http.request.method": "GET", "url.full": peer.URL + "/below/api/heroes/random_hero",
				"server.address": at.Hostname(), "server.port": at.Port(),
				"http.response.status_code": test.status, "error.type": test.failure,
			} {
				if got := attribute(calls[0], key); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			if calls[0].Kind != telemetry.ClientSpan || calls[0].Failed != (test.failure != "") {
				t.Errorf("got %+v", calls[0])
			}
		})
	}
}

// TestAbandonedCallIsTraced checks that a call whose caller has given up still has a span, which ends when the call
// ends.
func TestAbandonedCallIsTraced(t *testing.T) {
	gate := newGate(t)
	peer := fakepeer.New(t, gate.before(fakepeer.Answers(http.StatusOK, fakepeer.Hero)))
	client := newClient(t, peer.URL, patient())
	metrics, recorded := tracing(t)
	client.Measure(metrics)
	ctx, fight := metrics.Tracer().Root(t.Context(), "fight")
	ctx, leave := context.WithCancel(ctx)
	left := make(chan error, 1)
	go func() { _, err := client.Random(ctx); left <- err }()
	await.True(t, "the peer gets the request", func() bool { return peer.Requests() == 1 })
	leave()
	if err := await.Value(t, "the caller leaves", left); err == nil || len(recorded.All()) > 0 {
		t.Errorf("got %v and %d spans before the call has ended", err, len(recorded.All()))
	}
	close(gate.open)
	client.ended(t)
	if calls := recorded.Children(fight.SpanID); len(calls) != 1 || calls[0].Failed {
		t.Errorf("got the spans %+v", calls)
	}
}

// TestForwardedRequestsAreTraced checks the span of a request that the arena forwards, and that it is the parent of the
// peer's span.
func TestForwardedRequestsAreTraced(t *testing.T) {
	for name, test := range map[string]struct {
		behaviour       http.HandlerFunc
		status, failure string
	}{
		"success":      {fakepeer.Answers(http.StatusOK, "{}"), "200", ""},
		"client error": {fakepeer.Answers(http.StatusConflict, "{}"), "409", "409"},
		"broken off":   {fakepeer.BreaksOff(""), "", "connection"},
		"a redirect":   {fakepeer.Answers(http.StatusFound, ""), "302", "connection"},
	} {
		t.Run(name, func(t *testing.T) {
			parent := make(chan string, 1)
			peer := fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
				parent <- r.Header.Get("Traceparent")
				test.behaviour(w, r)
			})
			at, err := url.Parse(peer.URL)
			if err != nil {
				t.Fatal(err)
			}
			cfg := ProxyConfig{Connect: time.Minute, Write: time.Minute, Read: time.Minute, MaxConnections: 1}
			proxy, err := NewProxy("heroes", "http://lois:kryptonite@"+at.Host+"/below/", cfg, discard())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = proxy.Close() }()
			metrics, recorded := tracing(t)
			proxy.Measure(metrics)
			ctx, arena := metrics.Tracer().Root(t.Context(), "arena")
			request := httptest.NewRequestWithContext(ctx, http.MethodPut, "/api/heroes/7?name=kryptonite",
				http.NoBody)
			request.Pattern = "/api/heroes/{rest...}"
			_ = proxy.Pass(httptest.NewRecorder(), request, false)
			calls := recorded.Children(arena.SpanID)
			if len(recorded.All()) != 1 || len(calls) != 1 {
				t.Fatalf("got the spans %+v", recorded.All())
			}
			if got := await.Value(t, "the peer's request", parent); got != calls[0].String() ||
				calls[0].Name != "PUT /api/heroes/{rest...}" {
				t.Errorf("the peer got the parent %s, want the span %+v", got, calls[0])
			}
			for key, want := range map[string]string{
				"url.full": peer.URL + "/below/api/heroes/7", "url.template": "/api/heroes/{rest...}",
				"http.response.status_code": test.status, "error.type": test.failure,
			} {
				if got := attribute(calls[0], key); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		})
	}
}
