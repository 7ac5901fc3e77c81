package httpserver

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// discarded is a response writer that discards the response.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d discarded) WriteHeader(int)             {}

// BenchmarkRequest measures the cost of a request, excluding net/http and the route's own work, with and without metrics
// and traces.
func BenchmarkRequest(b *testing.B) {
	body := make([]byte, 300)
	var routes []Route
	for _, path := range []string{"/api/heroes", "/api/heroes/{id}", "/api/heroes/random_hero"} {
		routes = append(routes, route(http.MethodGet, path, func(w http.ResponseWriter, _ *http.Request) error {
			NoStore(w)
			return WriteJSON(w, body)
		}))
	}
	plain, _ := newAPI(settings(), routes...)
	with, _ := measured(routes...)
	unsampled, _ := measuredAnd(tracing(b, "always_off"), routes...)
	sampled, _ := measuredAnd(tracing(b, "always_on"), routes...)
	request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/heroes/random_hero", http.NoBody)
	for _, c := range []struct {
		name string
		api  *API
	}{{"without metrics", plain}, {"with metrics", with}, {"with metrics, not sampled", unsampled}, {"with metrics, sampled", sampled}} {
		b.Run(c.name, func(b *testing.B) {
			reply := discarded{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(reply.header)
				c.api.ServeHTTP(reply, request)
			}
		})
	}
}

// BenchmarkIdleness measures what tracking idle connections costs per request: one clock read when the request ends,
// and two atomic updates of a value that only this connection uses.
func BenchmarkIdleness(b *testing.B) {
	c := &connection{limit: newLimit(nil, 10_000, nil)}
	b.ReportAllocs()
	for b.Loop() {
		c.heard()
		c.state(http.StateActive)
		c.state(http.StateIdle)
	}
}

// BenchmarkFull measures the cost of a new connection at the connection limit: one that replaces the longest-idle
// connection, and one that is refused because no connection is idle.
func BenchmarkFull(b *testing.B) {
	const most = 10_000
	address := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	for name, hosts := range map[string]int{"one host": 1, "a host each": most} {
		for state, idle := range map[string]bool{"idle": true, "busy": false} {
			b.Run(name+", "+state, func(b *testing.B) {
				l, now := newLimit(nil, most, nil), int64(1)
				for i := range most {
					c := &connection{TCPConn: new(net.TCPConn), limit: l}
					if idle {
						c.idle.Store(now)
					}
					l.add(c, address(i%hosts), now)
				}
				b.ReportAllocs()
				for next := 0; b.Loop(); next++ {
					now += 2 * minIdle / most // so that some, but never all, of the new connections can be evicted
					c := &connection{TCPConn: new(net.TCPConn), limit: l}
					c.idle.Store(now)
					if out, _ := l.add(c, address(most+next%hosts), now); idle && now > 2*minIdle && out == nil {
						b.Fatal("no connection was evicted")
					}
				}
			})
		}
	}
}
