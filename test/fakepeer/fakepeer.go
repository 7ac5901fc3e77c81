// Package fakepeer provides fake peers of the fights service, on real loopback sockets, that can be made to misbehave.
package fakepeer

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The items that healthy peers return.
const (
	Hero     = `{"id":1,"name":"Yoda","otherName":"Minch Yoda","level":9,"picture":"/yoda.svg","powers":"Foresight"}`
	Villain  = `{"id":2,"name":"Thanos","otherName":"The Mad Titan","level":8,"picture":"/thanos.svg","powers":"Strength"}`
	Location = `{"id":3,"name":"Gotham City","description":"Dark","picture":"/gotham.svg","type":"CITY"}`
)

// Peer is an HTTP server that a test can stop, restart and reprogram, even while requests are in flight.
type Peer struct {
	URL string

	addr      string
	behaviour atomic.Pointer[http.HandlerFunc]
	server    *httptest.Server

	requests  atomic.Int64
	cancelled atomic.Int64
	opened    atomic.Int64
	closed    atomic.Int64
}

// New starts a peer with the given behaviour, and stops it when the test ends.
func New(tb testing.TB, behaviour http.HandlerFunc) *Peer {
	tb.Helper()
	p := &Peer{addr: "127.0.0.1:0"}
	p.Behave(behaviour)
	p.Start(tb)
	tb.Cleanup(p.Stop)
	return p
}

// Behave changes how later requests are handled.
func (p *Peer) Behave(behaviour http.HandlerFunc) { p.behaviour.Store(&behaviour) }

// Start starts listening, always on the same address.
func (p *Peer) Start(tb testing.TB) {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", p.addr)
	if err != nil {
		tb.Fatal(err)
	}
	p.addr = listener.Addr().String()
	p.URL = "http://" + p.addr
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	_ = p.server.Listener.Close() // httptest has chosen the port
	p.server.Listener, p.server.Config.ConnState = listener, p.count
	p.server.Start()
}

// Stop aborts requests in flight and stops listening.
func (p *Peer) Stop() {
	p.server.CloseClientConnections()
	p.server.Close()
}

func (p *Peer) serve(w http.ResponseWriter, r *http.Request) {
	p.requests.Add(1)
	defer func() {
		if r.Context().Err() != nil {
			p.cancelled.Add(1)
		}
	}()
	(*p.behaviour.Load())(w, r)
}

func (p *Peer) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		p.opened.Add(1)
	case http.StateClosed, http.StateHijacked:
		p.closed.Add(1)
	}
}

// Requests returns the number of requests received.
func (p *Peer) Requests() int { return int(p.requests.Load()) }

// Cancelled returns the number of requests that the client canceled before the peer responded.
func (p *Peer) Cancelled() int { return int(p.cancelled.Load()) }

// Connections returns the number of connections opened so far, and the number of those still open.
func (p *Peer) Connections() (opened, open int) {
	closed := int(p.closed.Load())
	opened = int(p.opened.Load())
	return opened, opened - closed
}

// Answers returns a handler that responds with a JSON body.
func Answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Draws returns a handler that responds with one item or, at the picks endpoint, with the requested number of items,
// each with age 0.
func Draws(item string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !AsksForPicks(r) {
			Answers(http.StatusOK, item)(w, r)
			return
		}
		count, err := strconv.Atoi(r.URL.Query().Get("count"))
		if err != nil {
			count = 1
		}
		w.Header().Set("X-Age-Ms", "0")
		Answers(http.StatusOK, "["+strings.TrimSuffix(strings.Repeat(item+",", count), ",")+"]")(w, r)
	}
}

// AsksForPicks reports whether a request is for a batch of picks.
func AsksForPicks(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/picks") }

// DrawsOne returns a handler that responds with one item, and rejects requests for batches of picks, like a service
// that has no batch endpoint.
func DrawsOne(item string, refuses http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if AsksForPicks(r) {
			refuses(w, r)
			return
		}
		Answers(http.StatusOK, item)(w, r)
	}
}

// BreaksOff returns a handler that sends raw bytes instead of a response, and closes the connection.
func BreaksOff(sent string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = conn.Write([]byte(sent))
		_ = conn.Close()
	}
}

// Hangs returns a handler that never responds, and returns only when the client gives up.
func Hangs() http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

// Dribbles returns a handler that sends the header and then the body byte by byte, with a pause after each byte, until
// the client gives up.
func Dribbles(body string, pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		for i := range len(body) {
			if _, err := w.Write([]byte{body[i]}); err != nil {
				return
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-time.After(pause):
			}
		}
	}
}
