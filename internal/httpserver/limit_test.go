package httpserver

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"superheroes/test/await"
)

// fromAddress returns an option that makes a client connect from the given address of this machine.
func fromAddress(address string) func(*net.Dialer) {
	return func(dialer *net.Dialer) { dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)} }
}

const plainRequest = "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

// succeeds fails the test unless the server responds with 200.
func (c conn) succeeds(t *testing.T, who string) {
	t.Helper()
	_, _ = io.WriteString(c, plainRequest)
	if got, err := c.next(); err != nil || got.status != http.StatusOK {
		t.Errorf("%s: got response %v, error %v", who, got, err)
	}
}

// refused fails the test unless the server refuses the connection with a complete response and closes it.
func (c conn) refused(t *testing.T) {
	t.Helper()
	got, err := c.next()
	if err != nil {
		t.Errorf("reading the response to a refused client: %v", err)
		return
	}
	got.problem(t, http.StatusServiceUnavailable)
	if got.header.Get("Retry-After") != "1" || got.header.Get("X-Content-Type-Options") != "nosniff" || !got.closes {
		t.Errorf("a refused client got header %v, close %t", got.header, got.closes)
	}
	if _, err := io.Copy(io.Discard, c.reader); err != nil {
		t.Errorf("reading a refused connection to its end: %v", err)
	}
}

// count returns how many connections are open, and how many of them have been idle long enough to be evicted.
func (l *limit) count() (open, idle int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, c := range l.open {
		if since := c.idle.Load(); since > 0 && since <= now-minIdle {
			idle++
		}
	}
	return len(l.open), idle
}

// count returns how many clients are being refused.
func (r *refusal) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// A machine that opens twice as many connections as allowed doesn't lock out other clients, whether it uses its
// connections or not. Another client can connect at once, and loses neither a connection nor a request.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux treats all of 127.0.0.0/8 as local addresses")
	}
	const most = 20
	other := fromAddress("127.0.0.2")
	for name, used := range map[string]bool{"new": false, "used": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // waits until connections are idle
			cfg := settings()
			cfg.MaxConnections = most
			server, _ := serving(t, cfg, get(ok))
			rested := func() bool { _, idle := server.listener.count(); return idle == most }
			flood := func() conn {
				c := dial(t, server)
				if used {
					c.succeeds(t, "the machine")
				}
				return c
			}
			good := dial(t, server, other) // will be the longest-idle connection
			good.succeeds(t, "another client")
			var first []conn
			for range most - 1 {
				first = append(first, flood())
			}
			await.True(t, "all connections are idle", rested)
			for i := range most - 1 {
				flood()
				if !used { // used connections become idle in an unknown order
					first[i].rest(t) // this was the flood's longest-idle connection
				}
			}
			for _, c := range first {
				c.rest(t)
			}
			good.succeeds(t, "another client, after the flood")
			await.True(t, "all connections are idle again", rested)
			newcomer := dial(t, server, other)
			newcomer.succeeds(t, "the other client's new connection")
			good.succeeds(t, "the other client's first connection, after its second")
			newcomer.succeeds(t, "the other client's second connection, again")
			if open, _ := server.listener.count(); open != most {
				t.Errorf("%d connections are open, want the maximum", open)
			}
		})
	}
}

// A connection is never evicted while it serves a request or after a request has begun to arrive; instead, any new
// connection is refused. Once there is room again, new connections are accepted.
func TestBusyConnectionsStay(t *testing.T) {
	t.Parallel() // waits longer than an idle connection is kept open
	const most = 4
	cfg := settings()
	cfg.MaxConnections = most
	begun, may := make(chan struct{}, most), make(chan struct{})
	server, written := serving(t, cfg, get(ok), waiting(begun, may))
	half := dial(t, server)
	half.succeeds(t, "a client")
	half.send(t, plainRequest[:3])
	var busy []<-chan result
	for range most - 1 {
		busy = append(busy, askLater(t, client(), server, "/wait"))
		await.Value(t, "a request is in flight", begun)
	}
	filled := server.listener.now()
	longEnough := func() bool { return server.listener.now() > filled+minIdle*11/10 }
	await.True(t, "the connections are old enough to be evicted if they were idle", longEnough)
	over := func() bool { return server.listener.refusal.count() == 0 }
	for range maxRefusals + 2 { // one after the other
		c := dial(t, server)
		c.send(t, plainRequest)
		c.refused(t)
		_ = c.Close()
		await.True(t, "the refusal is over", over)
	}
	large := dial(t, server) // most of this request is read only after the response has been sent
	large.send(t, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 65536\r\n\r\n"+strings.Repeat("x", 64<<10))
	large.refused(t)
	silent := make([]conn, maxRefusals+2)
	for i := range silent {
		silent[i] = dial(t, server)
	}
	for _, c := range silent {
		c.rest(t)
		_ = c.Close()
	}
	await.True(t, "all refusals are over", over)
	over2 := dial(t, server)
	over2.send(t, opening)
	if got := over2.rest(t); got != goAway {
		t.Errorf("over HTTP/2: got %q, want GOAWAY", got)
	}
	half.send(t, plainRequest[3:])
	if got, err := half.next(); err != nil || got.status != http.StatusOK {
		t.Errorf("the request that had begun to arrive: got response %v, error %v", got, err)
	}
	close(may)
	for _, request := range busy {
		if got := await.Value(t, "a request ends", request); got.status != http.StatusOK {
			t.Errorf("in flight: got %+v", got)
		}
	}
	await.True(t, "there is room", func() bool { open, _ := server.listener.count(); return open == 1 })
	dial(t, server).succeeds(t, "a new connection after the requests have ended")
	if err := stop(t, server); err != nil {
		t.Error(err)
	}
	if lines := written.lines(); !strings.Contains(lines[0], "WARN - too many connections: new ones are refused") {
		t.Errorf("logged %q", lines)
	}
}

// A stopping server doesn't wait for clients that it is refusing.
func TestStopWhileRefusing(t *testing.T) {
	cfg := settings()
	cfg.MaxConnections = 1
	cfg.ShutdownTimeout = 0
	begun := make(chan struct{}, 1)
	server, _ := serving(t, cfg, waiting(begun, nil))
	askLater(t, client(), server, "/wait")
	await.Value(t, "a request is in flight", begun)
	refused := dial(t, server)
	await.True(t, "the client is about to be refused", func() bool { return server.listener.refusal.count() == 1 })
	if err := stop(t, server); err != nil {
		t.Error(err)
	}
	if left := server.listener.refusal.count(); left != 0 {
		t.Errorf("%d clients are still being refused after the shutdown", left)
	}
	refused.rest(t)
	if open, _ := server.listener.count(); open != 0 {
		t.Errorf("%d connections still count as open after the shutdown", open)
	}
}

// pair returns both ends of a connection, with the server's end wrapped in a *connection.
func pair(t *testing.T) (*connection, net.Conn) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	server := newLimit(nil, 1, nil).admit(accepted)
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return server, client
}

// A request that arrives just as its connection is chosen for eviction either prevents the eviction or never reaches a
// handler.
func TestEvictionAndRequestRace(t *testing.T) {
	server, client := pair(t)
	since := server.idle.Load()
	if _, err := io.WriteString(client, plainRequest); err != nil {
		t.Fatal(err)
	}
	await.True(t, "a request has arrived", func() bool { return pending(server.TCPConn) })
	if server.evict(since) {
		t.Error("the connection was evicted even though a request had arrived")
	}
	if _, err := server.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if server.evict(since) {
		t.Error("the connection was evicted even though the server had begun to read a request")
	}
	server, client = pair(t)
	if !server.evict(server.idle.Load()) {
		t.Fatal("a connection without a request was not evicted")
	}
	if _, err := io.WriteString(client, plainRequest); err != nil {
		t.Fatal(err)
	}
	if n, err := server.Read(make([]byte, 100)); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read on an evicted connection returned %d bytes, error %v", n, err)
	}
}

// The number of goroutines that refuse clients is limited.
func TestRefusalsAreBounded(t *testing.T) {
	r := newRefusal(slog.New(slog.DiscardHandler), 1)
	for i := range maxRefusals + 2 {
		if got := r.begin(new(net.TCPConn)); got != (i < maxRefusals) {
			t.Errorf("refusal %d: begin returned %t", i, got)
		}
	}
}

// net/http peeks at the first bytes of a connection. Even so, the header timeout applies only once, and a line that is
// too short for a request is refused as soon as it ends.
func TestFirstRead(t *testing.T) {
	for text, want := range map[string]error{
		"":          os.ErrDeadlineExceeded,
		"\n":        io.ErrUnexpectedEOF,
		"GET /\r\n": io.ErrUnexpectedEOF, "A / HTTP/1.\n": io.ErrUnexpectedEOF,
		"A / HTTP/1.1\n": os.ErrDeadlineExceeded, "PRI * HTTP/2.": os.ErrDeadlineExceeded, "GET / HTTP/1": os.ErrDeadlineExceeded,
	} {
		server, client := pair(t)
		if _, err := io.WriteString(client, text); err != nil {
			t.Fatal(err)
		}
		if n, err := io.ReadFull(server, make([]byte, len(text))); err != nil {
			t.Fatal(n, err)
		}
		_ = server.SetReadDeadline(time.Unix(1, 0))
		if _, err := server.Read(make([]byte, 14)); !errors.Is(err, want) {
			t.Errorf("after %q: got error %v, want %v", text, err, want)
		}
		_ = server.SetReadDeadline(time.Time{})
		if _, err := io.WriteString(client, plainRequest); err != nil {
			t.Fatal(err)
		}
		if n, err := server.Read(make([]byte, 14)); n != 0 || !errors.Is(err, want) {
			t.Errorf("after %q and the error: read %d bytes, error %v", text, n, err)
		}
	}
}

// TestMakeRoom compares the evicted connection with the result of an exhaustive search. Of the hosts that have an idle
// connection and at least as many connections as the new connection's host, the one with the most connections loses its
// longest-idle connection.
func TestMakeRoom(t *testing.T) {
	addresses := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("2001:db8::")}
	rapid.Check(t, func(rt *rapid.T) {
		const most = 6
		l := newLimit(nil, most, nil)
		var open []*connection
		now := int64(1)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			now += rapid.Int64Range(1, minIdle).Draw(rt, "pause")
			address := rapid.SampledFrom(addresses).Draw(rt, "address")
			if len(open) > 0 && rapid.Bool().Draw(rt, "an existing connection changes") {
				i := rapid.IntRange(0, len(open)-1).Draw(rt, "connection")
				switch rapid.SampledFrom([]string{"busy", "idle", "gone"}).Draw(rt, "what") {
				case "busy":
					open[i].idle.Store(0)
				case "idle":
					open[i].idle.Store(now)
				default:
					l.release(open[i])
					open = slices.Delete(open, i, i+1)
				}
				continue
			}
			want := expected(open, most, address, now)
			c := &connection{TCPConn: new(net.TCPConn), limit: l}
			c.idle.Store(now)
			out, ok := l.add(c, address, now)
			if out != want || ok != (len(open) < most || want != nil) {
				rt.Fatalf("add evicted %v (ok: %t), want %v", out, ok, want)
			}
			if out != nil {
				if out.idle.Load() != evicted {
					rt.Fatal("the evicted connection is not marked as evicted")
				}
				open = slices.DeleteFunc(open, func(c *connection) bool { return c == out })
			}
			if ok {
				open = append(open, c)
			}
			if len(l.open) != len(open) {
				rt.Fatalf("the limit counts %d connections, but %d are open", len(l.open), len(open))
			}
		}
	})
}

// expected returns the connection to evict for a new one from the address, or nil. All connections have different idle
// times.
func expected(open []*connection, most int, address netip.Addr, now int64) (out *connection) {
	if len(open) < most {
		return nil
	}
	has := map[netip.Addr]int{}
	for _, c := range open {
		has[c.from.address]++
	}
	for _, c := range open {
		n, since := has[c.from.address], c.idle.Load()
		switch {
		case since == 0, since > now-minIdle, n < has[address]:
		case out == nil, n > has[out.from.address], n == has[out.from.address] && since < out.idle.Load():
			out = c
		}
	}
	return out
}
