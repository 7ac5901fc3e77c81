package telemetry_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"superheroes/test/await"
	"superheroes/test/telemetry/tools"
)

// fightRoute is the name of the server span of a fight request.
const fightRoute = "GET /api/fights/execute_fight"

// sampleAll makes the services record all traces, including those that a client has started.
const sampleAll = "OTEL_TRACES_SAMPLER=always_on"

// TestExemplars checks that the exemplars in Prometheus refer to spans in Jaeger.
func TestExemplars(t *testing.T) {
	for name, services := range map[string]layout{"one process": one, "six processes": six} {
		t.Run(name, func(t *testing.T) {
			w := start(t, services, sampleAll)
			load := startLoad(t, w.Fights, 100, nil)
			for _, p := range []*tools.Prometheus{w.scraped, w.pushed} {
				await.True(t, "1,000 exemplars", func() bool { return len(exemplars(t, p)) >= 1000 })
			}
			found := exemplars(t, w.scraped)
			maps.Copy(found, exemplars(t, w.pushed))
			t.Logf("%d exemplars from %d fights", len(found), load.sent.Load())
			load.stop()
			w.stop(t)
			traces := map[string][]tools.Span{}
			awaitAll(t, "exemplars have a span", slices.Collect(maps.Keys(found)), func(e tools.SpanContext) bool {
				return w.has(t, traces, e)
			})
		})
	}
}

// awaitAll waits until a condition holds for each item.
func awaitAll[T any](t *testing.T, what string, items []T, condition func(T) bool) {
	t.Helper()
	missing := slices.Clone(items)
	defer func() {
		if len(missing) > 0 {
			t.Errorf("all but %d of %d %s; the first exception is %v", len(missing), len(items), what, missing[0])
		}
	}()
	await.True(t, "all "+what, func() bool {
		missing = slices.DeleteFunc(missing, condition)
		return len(missing) == 0
	})
}

// exemplars returns the spans that the exemplars of all histograms refer to.
func exemplars(t *testing.T, p *tools.Prometheus) map[tools.SpanContext]bool {
	t.Helper()
	return p.Exemplars(t, `{__name__=~".+_bucket"}`)
}

// has reports whether Jaeger has a span. It caches the traces that it reads in traces.
func (w world) has(t *testing.T, traces map[string][]tools.Span, span tools.SpanContext) bool {
	t.Helper()
	is := func(s tools.Span) bool { return s.ID == span.Span }
	if !slices.ContainsFunc(traces[span.Trace], is) {
		traces[span.Trace] = w.jaeger.Trace(t, span.Trace)
	}
	return slices.ContainsFunc(traces[span.Trace], is)
}

// TestTree checks that the spans of a fight form the same tree with one process and with several.
func TestTree(t *testing.T) {
	trees := map[string]string{}
	for name, services := range map[string]layout{"one process": one, "six processes": six} {
		t.Run(name, func(t *testing.T) {
			w := start(t, services, sampleAll, "PROFILE=strict")
			load := startLoad(t, w.Fights, 100, nil)
			await.True(t, "20 fights", func() bool { return load.sent.Load() >= 20 })
			load.stop()
			w.stop(t)
			w.noOrphans(t)
			found := map[string]bool{}
			for _, spans := range w.traces(t) {
				if root(spans).Name == fightRoute {
					// SQLite and MongoDB name the insert differently.
					trees[name] = strings.ReplaceAll(tree(spans, "", ""), "INSERT fight\n", "insert fights\n")
					found[trees[name]] = true
				}
			}
			if len(found) != 1 {
				t.Errorf("fights have %d different trees:\n%s", len(found), strings.Join(slices.Sorted(maps.Keys(found)), "\n"))
			}
		})
	}
	if len(trees) == 2 && trees["one process"] != trees["six processes"] { // neither was skipped
		t.Errorf("one process:\n%s\nsix processes:\n%s", trees["one process"], trees["six processes"])
	}
}

// TestOrphans checks that every span's parent, and every span that another links to, has been sent.
func TestOrphans(t *testing.T) {
	for name, services := range map[string]layout{"one process": one, "six processes": six} {
		t.Run(name, func(t *testing.T) {
			w := start(t, services, sampleAll)
			load := startLoad(t, w.Fights, 100, nil)
			await.True(t, "500 fights", func() bool { return load.sent.Load() >= 500 })
			load.stop()
			w.stop(t)
			w.noOrphans(t)
			w.checkAttributes(t)
			t.Logf("%d traces of %d fights and of other work", len(w.traces(t)), load.sent.Load())
		})
	}
}

// checkAttributes checks that all attributes of the spans are known.
func (w world) checkAttributes(t *testing.T) {
	t.Helper()
	known := attributes()
	for _, spans := range w.traces(t) {
		for _, span := range spans {
			for attribute := range span.Attributes {
				if !slices.Contains(known, attribute) {
					t.Errorf("%s: %s has the unknown attribute %s", span.Service, span.Name, attribute)
				}
			}
		}
	}
}

// attributes returns the attributes that spans may have: some of OpenTelemetry's semantic conventions 1.44.0, our own,
// and those that Jaeger adds.
func attributes() []string {
	return strings.Fields(`
		http.request.method http.response.status_code http.route url.scheme url.path url.full url.template
		server.address server.port db.system.name db.collection.name db.operation.name db.operation.batch.size
		db.query.summary error.type
		superheroes.pick.batch.size
		span.kind otel.scope.name otel.scope.version`)
}

// traces returns all traces in Jaeger, by trace id.
func (w world) traces(t *testing.T) map[string][]tools.Span {
	t.Helper()
	all := map[string][]tools.Span{}
	for _, service := range w.jaeger.Services(t) {
		maps.Copy(all, w.jaeger.Traces(t, service, 100_000))
	}
	return all
}

// noOrphans waits until Jaeger has all parents and all linked spans.
func (w world) noOrphans(t *testing.T) {
	t.Helper()
	var orphans []string
	defer func() {
		if len(orphans) > 0 {
			t.Errorf("%d spans with a missing parent or link target, such as %s", len(orphans), orphans[0])
		}
	}()
	await.True(t, "every parent and every linked span exists", func() bool {
		traces := w.traces(t)
		orphans = orphansIn(traces)
		return len(orphans) == 0 && len(traces) > 0
	})
}

// orphansIn describes the spans whose parent, or a span that they link to, is missing.
func orphansIn(traces map[string][]tools.Span) (orphans []string) {
	known := map[tools.SpanContext]bool{}
	for id, spans := range traces {
		for _, s := range spans {
			known[tools.SpanContext{Trace: id, Span: s.ID}] = true
		}
	}
	missing := func(to tools.SpanContext) bool { return !known[to] }
	for id, spans := range traces {
		for _, s := range spans {
			parent := tools.SpanContext{Trace: id, Span: s.Parent}
			if s.Parent != "" && missing(parent) || slices.ContainsFunc(s.Links, missing) {
				orphans = append(orphans, s.Service+": "+s.Name+" in trace "+id)
			}
		}
	}
	return orphans
}

// root returns the span of a trace that has no parent.
func root(spans []tools.Span) tools.Span {
	return spans[slices.IndexFunc(spans, func(s tools.Span) bool { return s.Parent == "" })]
}

// tree returns the spans below a parent, one per line and indented by depth.
func tree(spans []tools.Span, parent, indent string) string {
	var lines []string
	for _, s := range spans {
		if s.Parent == parent {
			lines = append(lines, indent+s.Service+": "+s.Name+"\n"+tree(spans, s.ID, indent+"  "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// TestStop checks that every completed request has a span, even if the services stop under load.
func TestStop(t *testing.T) {
	for name, services := range map[string]layout{"one process": one, "six processes": six} {
		t.Run(name, func(t *testing.T) {
			w := start(t, services, sampleAll)
			var mu sync.Mutex
			var ids []string
			load := startLoad(t, w.Fights, 400, func(id string) {
				mu.Lock()
				defer mu.Unlock()
				ids = append(ids, id)
			})
			await.True(t, "1,000 fights", func() bool { return load.sent.Load() >= 1000 })
			w.stop(t)
			load.stop()
			t.Logf("%d fights were completed", len(ids))
			awaitAll(t, "completed fights have a span", ids, func(id string) bool {
				return slices.ContainsFunc(w.jaeger.Trace(t, id), func(s tools.Span) bool { return s.Name == fightRoute })
			})
		})
	}
}
