package httpserver

import (
	"bufio"
	"errors"
	"fmt"
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

	"superheroes/internal/logging"
	"superheroes/test/await"
)

// dialFrom connects to the server from the given address of this machine.
func dialFrom(t *testing.T, server *Server, address string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(hang)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// otherAddress returns a second address of this machine, which only Linux has without configuration.
func otherAddress(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux takes all of 127.0.0.0/8 for this machine")
	}
	return "127.0.0.2"
}

const plainRequest = "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

// kept is a client with one connection.
type kept struct {
	net.Conn
	reader *bufio.Reader
}

// get sends a GET on the connection.
func (k kept) get() (*http.Response, error) {
	if _, err := io.WriteString(k, plainRequest); err != nil {
		return nil, err
	}
	return k.answer()
}

// answer reads a response with its body.
func (k kept) answer() (*http.Response, error) {
	response, err := http.ReadResponse(k.reader, nil)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body = io.NopCloser(strings.NewReader(string(text)))
	return response, err
}

func keep(conn net.Conn) kept { return kept{conn, bufio.NewReader(conn)} }

// closed fails the test unless the server closes the connection.
func closed(t *testing.T, conn net.Conn, which string) {
	t.Helper()
	if _, err := io.Copy(io.Discard, conn); err != nil && !isReset(err) {
		t.Errorf("%s stayed open: %v", which, err)
	}
}

// succeeds fails the test unless the server responds with 200.
func (k kept) succeeds(t *testing.T, who string) {
	t.Helper()
	if response, err := k.get(); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("%s: got %v, %v", who, response, err)
	}
}

// refused fails the test unless the server refuses the connection with a complete response and closes it.
func (k kept) refused(t *testing.T) {
	t.Helper()
	response, err := k.answer()
	if err != nil {
		t.Errorf("a refused client: %v", err)
		return
	}
	text, _ := io.ReadAll(response.Body)
	answer{response.StatusCode, response.Header, string(text)}.problem(t, http.StatusServiceUnavailable)
	if response.Header.Get("Retry-After") != "1" || response.Header.Get("X-Content-Type-Options") != "nosniff" || !response.Close {
		t.Errorf("got %v, close %t", response.Header, response.Close)
	}
	if _, err := io.Copy(io.Discard, k); err != nil {
		t.Errorf("a refused connection ended with %v", err)
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

// A machine that opens twice as many connections as allowed keeps nobody out, whether it uses them or not: another
// client gets in at once, and loses neither a connection nor a request.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	const most = 20
	other := otherAddress(t)
	for name, used := range map[string]bool{"new": false, "used": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // waits for connections to be idle
			cfg := settings()
			cfg.MaxConnections = most
			server, _ := serving(t, cfg, route(http.MethodGet, "/", ok))
			rested := func() bool { _, idle := server.listener.count(); return idle == most }
			flood := func() kept {
				conn := keep(dialFrom(t, server, "127.0.0.1"))
				if used {
					conn.succeeds(t, "the machine")
				}
				return conn
			}
			good := keep(dialFrom(t, server, other)) // which will have been idle longest
			good.succeeds(t, "another client")
			var first, second []kept
			for range most - 1 {
				first = append(first, flood())
			}
			await.True(t, "all are idle", rested)
			for i := range most - 1 {
				second = append(second, flood())
				if !used { // the order in which the others became idle is unknown
					closed(t, first[i], fmt.Sprintf("number %d, which had been idle longest,", i))
				}
			}
			for _, conn := range first {
				closed(t, conn, "a connection of the flood")
			}
			good.succeeds(t, "another client, beside the flood")
			await.True(t, "all are idle again", rested)
			newcomer := keep(dialFrom(t, server, other))
			newcomer.succeeds(t, "a newcomer")
			good.succeeds(t, "another client, beside a newcomer")
			newcomer.succeeds(t, "the newcomer, once more")
			if open, _ := server.listener.count(); open != most {
				t.Errorf("%d connections are open", open)
			}
			if !used {
				closed(t, second[0], "the one that had been idle longest")
			}
		})
	}
}

// A connection with a request, or on which a request has begun to arrive, is never evicted; new ones are refused,
// however many there are. Once there is room, everything is as before.
func TestBusyConnectionsStay(t *testing.T) {
	t.Parallel()
	const most = 4
	cfg := settings()
	cfg.MaxConnections = most
	written := &log{}
	logger := written.logger(slog.LevelWarn)
	server, err := Listen(t.Context(), "test", "127.0.0.1:0", cfg, logger)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop(t, server) }()
	begun, may := make(chan struct{}, most), make(chan struct{})
	api, _ := newAPI(cfg, route(http.MethodGet, "/", ok), waiting(begun, may))
	server.Serve(api)
	half := keep(dial(t, server))
	half.succeeds(t, "a client")
	send(t, half, plainRequest[:3])
	var busy []<-chan result
	for range most - 1 {
		busy = append(busy, askLater(t, server, "/wait"))
		await.Value(t, "a request is in flight", begun)
	}
	filled := server.listener.now()
	await.True(t, "they last longer than an idle one may", func() bool { return server.listener.now() > filled+2*minIdle })
	for range mostRefusals + 2 { // one after the other
		conn := keep(dial(t, server))
		send(t, conn, plainRequest)
		conn.refused(t)
		_ = conn.Close()
		await.True(t, "the refusal is over", func() bool { return server.listener.refusal.count() == 0 })
	}
	large := keep(dial(t, server)) // most of it is read only after the response was sent
	send(t, large, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 65536\r\n\r\n"+strings.Repeat("x", 64<<10))
	large.refused(t)
	silent := make([]net.Conn, mostRefusals+2)
	for i := range silent {
		silent[i] = dial(t, server)
	}
	for _, conn := range silent {
		closed(t, conn, "a refused connection that asks nothing")
		_ = conn.Close()
	}
	await.True(t, "all refusals are over", func() bool { return server.listener.refusal.count() == 0 })
	over2 := dial(t, server)
	send(t, over2, preface+"\r\n\r\nSM\r\n\r\n")
	if got, err := io.ReadAll(over2); err != nil || string(got) != goAway {
		t.Errorf("over HTTP/2: got %q, %v, want GOAWAY", got, err)
	}
	send(t, half, plainRequest[3:])
	if response, err := http.ReadResponse(half.reader, nil); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the request that had begun to arrive: got %v, %v", response, err)
	}
	close(may)
	for _, request := range busy {
		if got := await.Value(t, "a request ends", request); got.status != http.StatusOK {
			t.Errorf("in flight: got %+v", got)
		}
	}
	await.True(t, "there is room", func() bool { open, _ := server.listener.count(); return open == 1 })
	keep(dial(t, server)).succeeds(t, "after they have gone")
	logging.Flush(logger)
	if got, want := logged(written.lines(), "WARN - too many connections: new ones are refused"), 2*(mostRefusals+2)+2; got != want {
		t.Errorf("logged %d refused connections, want %d: %q", got, want, written.lines())
	}
}

// logged returns how often a message was logged, including the counts of repeated lines.
func logged(lines []string, message string) (times int) {
	for _, line := range lines {
		_, rest, found := strings.Cut(line, message)
		if !found {
			continue
		}
		n := 1
		_, _ = fmt.Sscanf(rest, " (repeated) times=%d", &n)
		times += n
	}
	return times
}

// A server that stops doesn't wait for clients it refuses.
func TestStopWhileRefusing(t *testing.T) {
	cfg := settings()
	cfg.MaxConnections = 1
	cfg.ShutdownTimeout = 0
	begun := make(chan struct{}, 1)
	server, _ := serving(t, cfg, waiting(begun, nil))
	askLater(t, server, "/wait")
	await.Value(t, "a request is in flight", begun)
	refused := dial(t, server)
	await.True(t, "the client is about to be refused", func() bool { return server.listener.refusal.count() == 1 })
	if err := stop(t, server); err != nil {
		t.Error(err)
	}
	if left := server.listener.refusal.count(); left != 0 {
		t.Errorf("%d clients are being refused after the end", left)
	}
	closed(t, refused, "a refused connection")
	if open, _ := server.listener.count(); open != 0 {
		t.Errorf("%d connections are counted after the end", open)
	}
}

// pair returns both ends of a connection, the server's as the limit sees it.
func pair(t *testing.T) (server *connection, client net.Conn) {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	limit := newLimit(nil, 1, nil)
	server = limit.admit(accepted)
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return server, client
}

// A request that arrives just as its connection is chosen for eviction is either seen, or never reaches its handler.
func TestEvictionAndRequestRace(t *testing.T) {
	t.Run("a request has arrived", func(t *testing.T) {
		server, client := pair(t)
		send(t, client, plainRequest)
		await.True(t, "it has", func() bool { return pending(server.TCPConn) })
		if server.evict(server.idle.Load()) {
			t.Error("its connection was evicted")
		}
	})
	t.Run("a request was read", func(t *testing.T) {
		server, client := pair(t)
		since := server.idle.Load()
		send(t, client, plainRequest[:1])
		if _, err := server.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		if server.evict(since) {
			t.Error("its connection was evicted")
		}
	})
	t.Run("a request arrives later", func(t *testing.T) {
		server, client := pair(t)
		if !server.evict(server.idle.Load()) {
			t.Fatal("a connection without a request was not evicted")
		}
		send(t, client, plainRequest)
		if n, err := server.Read(make([]byte, 100)); n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("a handler could have got %d bytes, %v", n, err)
		}
	})
}

// Only a limited number of clients refused at the same time have a goroutine.
func TestRefusalsAreBounded(t *testing.T) {
	r := newRefusal(slog.New(slog.DiscardHandler), 1)
	for i := range mostRefusals + 2 {
		if got := r.begin(new(net.TCPConn)); got != (i < mostRefusals) {
			t.Errorf("refusal %d: got %t", i, got)
		}
	}
}

// What net/http's peek at the start of a connection would otherwise change: the header timeout applies once, and a
// line too short for a request is refused at its end.
func TestFirstRead(t *testing.T) {
	t.Run("the time is up", func(t *testing.T) {
		server, client := pair(t)
		_ = server.SetReadDeadline(time.Unix(1, 0))
		if _, err := server.Read(make([]byte, 14)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		_ = server.SetReadDeadline(time.Time{})
		send(t, client, plainRequest)
		if n, err := server.Read(make([]byte, 14)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("then came %d bytes, %v", n, err)
		}
	})
	for text, whole := range map[string]bool{"GET /\r\n": true, "\n": true, "A / HTTP/1.\n": true, "A / HTTP/1.1\n": false, "PRI * HTTP/2.": false, "GET / HTTP/1": false} {
		t.Run(text, func(t *testing.T) {
			server, client := pair(t)
			send(t, client, text)
			if n, err := io.ReadFull(server, make([]byte, len(text))); err != nil {
				t.Fatal(n, err)
			}
			_ = server.SetReadDeadline(time.Unix(1, 0))
			_, err := server.Read(make([]byte, 14))
			if errors.Is(err, io.ErrUnexpectedEOF) != whole {
				t.Errorf("the next read says %v", err)
			}
		})
	}
}

// The evicted connection is the one that a search of all would find: of the hosts that have an idle one, and at least
// as many connections as the newcomer, the one with most; of its connections the longest idle.
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
			if len(open) > 0 && rapid.Bool().Draw(rt, "something happens to a connection") {
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
			if want == nil && out != nil || want != nil && (out == nil || out.idle.Load() != evicted) || ok != (len(open) < most || want != nil) {
				rt.Fatalf("got %v, %t, want %v", out, ok, want)
			}
			if out != nil && out != want {
				rt.Fatalf("got one of %v, want one of %v", out.index, want)
			}
			if out != nil {
				open = slices.DeleteFunc(open, func(c *connection) bool { return c == out })
			}
			if ok {
				open = append(open, c)
			}
			if len(l.open) != len(open) {
				rt.Fatalf("%d are counted, %d are open", len(l.open), len(open))
			}
		}
	})
}

// expected returns what to evict for a connection from the address, or nil. Idle times differ.
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
