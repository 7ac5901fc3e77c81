package system

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"superheroes/test/await"
	"superheroes/test/program"
)

// shared returns how many fights at most share a span, by the beginning of the span's name.
func (c *collector) shared(name string) (most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if len(s.ParentSpanId) == 0 && strings.HasPrefix(strings.ToLower(s.Name), name) {
			most = max(most, len(s.Links))
		}
	}
	return most
}

// TestSharedWork checks the spans of concurrent fights that share writes and picks: every link leads to a span, every
// span has its parent, and each arrives once.
func TestSharedWork(t *testing.T) {
	path := Build(t)
	shared := map[string][]string{"one process": {"insert"}, "four processes": {"insert", "request picks of"}}
	for name, start := range traced("eco") {
		t.Run(name, func(t *testing.T) {
			to := newCollector(t)
			s := start(t, path, []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT=" + to.URL, "OTEL_TRACES_SAMPLER=always_on",
				"OTEL_BSP_SCHEDULE_DELAY=10",
			})
			fights := 0
			await.True(t, "fights share writes and picks", func() bool {
				var group errgroup.Group
				for range 32 {
					group.Go(func() error {
						_, err := program.Get(t.Context(), s.Fights+"/api/fights/execute_fight")
						return err
					})
				}
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
				fights += 32
				return !slices.ContainsFunc(shared[name], func(name string) bool { return to.shared(name) < 2 })
			})
			s.stop(t)
			to.checkLinks(t, fights)
		})
	}
}

// checkLinks checks that the collector has received the given number of fights, and every span once, with its parent
// and with what its links lead to.
func (c *collector) checkLinks(t *testing.T, fights int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	known, names := map[string]bool{}, map[string]int{}
	for _, s := range c.spans {
		id := hex.EncodeToString(s.TraceId) + hex.EncodeToString(s.SpanId)
		if known[id] || len(id) != 48 {
			t.Errorf("%s: %s arrived twice, or has an invalid id %s", s.service, s.Name, id)
		}
		known[id] = true
		names[s.service+": "+s.Name]++
	}
	if got := names["fights: GET /api/fights/execute_fight"]; got != fights {
		t.Errorf("%d fights have a span, want %d; the spans are %v", got, fights, names)
	}
	links := 0
	for _, s := range c.spans {
		for _, link := range s.Links {
			links++
			if !known[hex.EncodeToString(link.TraceId)+hex.EncodeToString(link.SpanId)] {
				t.Errorf("%s: %s has a link that leads nowhere", s.service, s.Name)
			}
		}
		if parent := hex.EncodeToString(s.ParentSpanId); parent != "" &&
			!known[hex.EncodeToString(s.TraceId)+parent] {
			t.Errorf("%s: %s has no parent", s.service, s.Name)
		}
	}
	t.Logf("%d links between %d spans of %d kinds: %q", links, len(c.spans), len(names),
		slices.Sorted(maps.Keys(names)))
}
