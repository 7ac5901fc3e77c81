package system

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector receives spans and metrics over OTLP.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte // of all requests
	spans  []received
}

// received is a span with the name of the service that sent it.
type received struct {
	service string
	*tracev1.Span
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		data := &tracev1.TracesData{} // has the same encoding as an ExportTraceServiceRequest
		if err == nil && r.URL.Path == "/v1/traces" {
			err = proto.Unmarshal(body, data)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies = append(c.bodies, body)
		for _, resource := range data.ResourceSpans {
			for _, span := range resource.ScopeSpans[0].Spans {
				c.spans = append(c.spans, received{resource.Resource.Attributes[0].Value.GetStringValue(), span})
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// trace returns the spans of a trace as a tree. Each span is a line with its service and name, indented below its
// parent. Spans with the same parent are sorted by their lines. Since the stores name an insert differently, trace
// renames its span to INSERT.
func (c *collector) trace(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var below func(parent, indent string) string
	below = func(parent, indent string) string {
		var subtrees []string
		for _, s := range c.spans {
			if hex.EncodeToString(s.TraceId) == id && hex.EncodeToString(s.ParentSpanId) == parent {
				subtrees = append(subtrees, indent+s.service+": "+s.Name+"\n"+below(hex.EncodeToString(s.SpanId), indent+"  "))
			}
		}
		slices.Sort(subtrees)
		return strings.Join(subtrees, "")
	}
	return strings.NewReplacer("INSERT fight\n", "INSERT\n", "insert fights\n", "INSERT\n").Replace(below(clientSpan, ""))
}

// orphans returns the spans with a parent that is neither a received span nor the client's span.
func (c *collector) orphans() (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := map[string]bool{clientSpan: true, "": true}
	for _, s := range c.spans {
		known[hex.EncodeToString(s.SpanId)] = true
	}
	for _, s := range c.spans {
		if !known[hex.EncodeToString(s.ParentSpanId)] {
			names = append(names, s.service+": "+s.Name)
		}
	}
	return names
}

const clientSpan = "00000000000000c1"

// TestTraces checks that a fight produces the same tree of spans whether or not the services share a process, and that
// the parent of every span is received.
func TestTraces(t *testing.T) {
	program := Build(t)
	const tree = `fights: GET /api/fights/execute_fight
  fights: GET /api/heroes/random_hero
    heroes: GET /api/heroes/random_hero
      heroes: SELECT hero by id
  fights: GET /api/locations/random_location
    locations: GET /api/locations/random_location
      locations: SELECT locations by id
  fights: GET /api/villains/random_villain
    villains: GET /api/villains/random_villain
      villains: SELECT villain by id
  fights: INSERT
`
	for name, start := range traced("strict") {
		t.Run(name, func(t *testing.T) {
			to := newCollector(t)
			s := start(t, program, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + to.URL, "OTEL_TRACES_SAMPLER=parentbased_always_on"})
			ids := map[string]string{s.Fights: strings.Repeat("a1", 16), s.Arena: strings.Repeat("b2", 16)}
			for base, id := range ids {
				ask(t, base+"/api/fights/execute_fight", "00-"+id+"-"+clientSpan+"-01")
			}
			ask(t, s.Fights+"/api/fights/execute_fight", "00-"+strings.Repeat("c3", 16)+"-"+clientSpan+"-00")
			list, none := strings.Repeat("d4", 16), "00-"+strings.Repeat("e5", 16)+"-"+clientSpan+"-01"
			ask(t, s.Arena+"/api/heroes", "00-"+list+"-"+clientSpan+"-01")
			ask(t, s.Arena+"/status/heroes", none)
			if s.Admin != "" {
				ask(t, s.Admin+"/metrics", none)
				follow(t, s.Statistics+"/api/statistics/stream", none)
				follow(t, s.Arena+"/api/statistics/stream", none)
			}
			s.stop(t)
			const listed = "arena: GET /api/heroes\n  heroes: GET /api/heroes\n    heroes: SELECT hero page\n"
			if diff := cmp.Diff(listed, to.trace(list)); diff != "" {
				t.Error(diff)
			}
			if spans := to.trace(strings.Repeat("e5", 16)); spans != "" {
				t.Errorf("probes, scrapes or streams are traced:\n%s", spans)
			}
			fromArena := "arena: GET /api/fights/{rest...}\n  arena: GET /api/fights/{rest...}\n" +
				"    " + strings.TrimSuffix(strings.ReplaceAll(tree, "\n", "\n    "), "    ")
			want := map[string]string{s.Fights: tree, s.Arena: fromArena}
			for base, id := range ids {
				if diff := cmp.Diff(want[base], to.trace(id)); diff != "" {
					t.Error(diff)
				}
			}
			if unsampled := to.trace(strings.Repeat("c3", 16)); unsampled != "" {
				t.Errorf("an unsampled request is traced:\n%s", unsampled)
			}
			if orphans := to.orphans(); len(orphans) > 0 {
				t.Errorf("spans whose parent is missing: %q", orphans)
			}
		})
	}
}

// traced returns two functions that start the services with a profile: in one process and in several.
func traced(profile string) map[string]func(t *testing.T, program string, env []string) *System {
	return map[string]func(t *testing.T, program string, env []string) *System{
		"one process": func(t *testing.T, program string, env []string) *System {
			t.Helper()
			return UpWith(t, program, t.TempDir(), env, "--profile="+profile)
		},
		"four processes": func(t *testing.T, program string, env []string) *System {
			t.Helper()
			s := FourWith(t, program, RealStores(t), env, "--profile="+profile)
			s.StartArena(t, program, env...)
			return s
		},
	}
}

// stop stops all processes, which send their last spans, and waits until they have exited.
func (s *System) stop(t *testing.T) {
	t.Helper()
	for _, process := range s.Processes {
		process.Signal(t, syscall.SIGTERM)
	}
	for _, process := range s.Processes {
		<-process.Ended()
	}
}

// ask sends a request as part of a trace, and reads the response.
func ask(t *testing.T, url, traceparent string) {
	t.Helper()
	request(t, url, traceparent, func(body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	})
}

// follow requests a stream as part of a trace, and disconnects after the first byte.
func follow(t *testing.T, url, traceparent string) {
	t.Helper()
	request(t, url, traceparent, func(body io.Reader) error {
		_, err := body.Read(make([]byte, 1))
		return err
	})
}

// request sends a request as part of a trace, and passes the response body to read.
func request(t *testing.T, url, traceparent string, read func(io.Reader) error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", traceparent)
	response, err := Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := read(response.Body); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s returned %s, %v", url, response.Status, err)
	}
	_ = response.Body.Close()
}
