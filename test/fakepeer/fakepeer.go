// Package fakepeer stands in for the services that fights asks, over real sockets on loopback, and misbehaves as a
// test wants it.
package fakepeer

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What healthy peers answer.
const (
	Hero     = `{"id":1,"name":"Yoda","otherName":"Minch Yoda","level":9,"picture":"/yoda.svg","powers":"Foresight"}`
	Villain  = `{"id":2,"name":"Thanos","otherName":"The Mad Titan","level":8,"picture":"/thanos.svg","powers":"Strength"}`
	Location = `{"id":3,"name":"Gotham City","description":"Dark","picture":"/gotham.svg","type":"CITY"}`
)

// Peer is an HTTP server whose behaviour can be changed, and which can be stopped and started again, while it is
// asked.
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

// New starts a peer that behaves so. It ends with the test.
func New(tb testing.TB, behaviour http.HandlerFunc) *Peer {
	tb.Helper()
	p := &Peer{addr: "127.0.0.1:0"}
	p.Behave(behaviour)
	p.Start(tb)
	tb.Cleanup(p.Stop)
	return p
}

// Behave changes how the requests are answered that come from now on.
func (p *Peer) Behave(behaviour http.HandlerFunc) { p.behaviour.Store(&behaviour) }

// Start listens, on the same address as before.
func (p *Peer) Start(tb testing.TB) {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", p.addr)
	if err != nil {
		tb.Fatal(err)
	}
	p.addr = listener.Addr().String()
	p.URL = "http://" + p.addr
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	_ = p.server.Listener.Close() // its own, on a port of its choice
	p.server.Listener, p.server.Config.ConnState = listener, p.count
	p.server.Start()
}

// Stop breaks off what is in flight and refuses connections from now on.
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

// Requests is how many requests have come.
func (p *Peer) Requests() int { return int(p.requests.Load()) }

// Cancelled is how many requests the client gave up before they were answered.
func (p *Peer) Cancelled() int { return int(p.cancelled.Load()) }

// Connections is how many connections were opened, and how many of them are open now.
func (p *Peer) Connections() (opened, open int) {
	closed := int(p.closed.Load())
	opened = int(p.opened.Load())
	return opened, opened - closed
}

// Answers answers with a JSON body.
func Answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Draws answers one item or, at the path of picks, as many as asked for, read at this moment.
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

// AsksForPicks reports whether a request is for many picks.
func AsksForPicks(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/picks") }

// DrawsOne answers one item, and refuses a request for picks as a service does that has no such path.
func DrawsOne(item string, refuses http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if AsksForPicks(r) {
			refuses(w, r)
			return
		}
		Answers(http.StatusOK, item)(w, r)
	}
}

// BreaksOff sends these bytes in place of a whole answer, and closes the connection.
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

// Hangs answers nothing until the client gives up.
func Hangs() http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

// Dribbles sends the header and then the body byte by byte, with a pause after each, until the client gives up.
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
			if !rest(r.Context(), pause) {
				return
			}
		}
	}
}

func rest(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}
