package remote

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/test/await"
	"superheroes/test/fakepeer"
)

// scripted is a peer that sends the responses of a script on each connection, one per request, and then closes the
// connection. The last script applies to all further connections.
type scripted struct {
	url              string
	asked, connected atomic.Int32
}

func script(t *testing.T, scripts ...[]string) *scripted {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{url: "http://" + listener.Addr().String()}
	var conns sync.WaitGroup
	conns.Go(func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return // the test has ended
			}
			s.connected.Add(1)
			conns.Go(func() { s.play(conn, scripts[min(n, len(scripts)-1)]) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		conns.Wait()
	})
	return s
}

func (s *scripted) play(conn net.Conn, answers []string) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	requests := bufio.NewReader(conn)
	for _, answer := range answers {
		if _, err := http.ReadRequest(requests); err != nil {
			return
		}
		s.asked.Add(1)
		_, _ = io.WriteString(conn, answer)
	}
}

// says returns a response with the hero Yoda as its body, and the given headers in addition to Content-Length.
func says(header ...string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s", len(fakepeer.Hero), strings.Join(header, ""), fakepeer.Hero)
}

// A call that finds its idle connection closed is repeated on another connection; a call that got part of a response
// is not.
func TestConnectionsOfPlainHTTP(t *testing.T) {
	chunked := fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(fakepeer.Hero), fakepeer.Hero)
	for _, test := range []struct {
		name             string
		scripts          [][]string
		fails            string // expected text in the second call's error, "" for success
		asked, connected int32
	}{
		{"kept", [][]string{{says(), says()}}, "", 2, 1},
		{"kept, chunked response", [][]string{{chunked, chunked}}, "", 2, 1},
		{"connection kept after early hints", [][]string{{"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + says(), says()}}, "", 2, 1},
		{"closed by the peer when idle", [][]string{{says()}}, "", 2, 2},
		{"to be closed", [][]string{{says("Connection: close\r\n"), says()}}, "", 2, 2},
		{"HTTP/1.0", [][]string{{strings.Replace(says(), "1.1", "1.0", 1), says()}}, "", 2, 2},
		{"data after the response", [][]string{{says() + "HTTP/1.1 200 OK\r\n\r\n", says()}}, "", 2, 2},
		{"connection closed within the second header", [][]string{{says(), "HTTP/1.1 200 OK\r\n"}, {says()}}, "EOF", 2, 1},
		{"connection closed within the second body", [][]string{{says(), says()[:60]}, {says()}}, "truncated", 2, 1},
		{"no second response", [][]string{{says(), ""}, {says()}}, "", 3, 2},
		{"no second response on a new connection", [][]string{{says("Connection: close\r\n")}, {""}}, "no response", 2, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			peer := script(t, test.scripts...)
			client := newClient(t, peer.url, patient())
			if got, err := client.Random(t.Context()); err != nil || got != yoda() {
				t.Fatalf("first call: %v, %v", got, err)
			}
			got, err := client.Random(t.Context())
			switch {
			case test.fails == "" && (err != nil || got != yoda()):
				t.Errorf("second call: %v, %v", got, err)
			case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
				t.Errorf("second call: got %v, want an error that contains %q", err, test.fails)
			}
			if asked, connected := peer.asked.Load(), peer.connected.Load(); asked != test.asked || connected != test.connected {
				t.Errorf("%d requests on %d connections, want %d on %d", asked, connected, test.asked, test.connected)
			}
		})
	}
}

func TestEndlessHeader(t *testing.T) {
	for name, answer := range map[string]string{
		"one line":        "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader),
		"many lines":      "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxHeader/6),
		"interim answers": strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", maxHeader/25+1),
	} {
		t.Run(name, func(t *testing.T) {
			peer := script(t, []string{answer + says()})
			if _, err := newClient(t, peer.url, patient()).Random(t.Context()); err == nil || !strings.Contains(err.Error(), "65536 bytes") {
				t.Errorf("got %v, want an error that states the limit", err)
			}
		})
	}
	t.Run("a body may be longer than a header", func(t *testing.T) {
		body := strings.Repeat(" ", 2*maxHeader) + fakepeer.Hero
		peer := fakepeer.New(t, fakepeer.Answers(http.StatusOK, body))
		if got, err := newClient(t, peer.URL, patient()).Random(t.Context()); err != nil || got != yoda() {
			t.Errorf("got %v, %v", got, err)
		}
	})
}

// If a peer closes its connections on every request, a request is sent exactly twice, however many idle connections
// there are.
func TestRequestIsRepeatedOnce(t *testing.T) {
	const kept = 3
	var all sync.WaitGroup
	all.Add(kept)
	peer := fakepeer.New(t, func(w http.ResponseWriter, r *http.Request) {
		all.Done()
		all.Wait() // so that each call has its own connection
		fakepeer.Answers(http.StatusOK, fakepeer.Hero)(w, r)
	})
	client := newClient(t, peer.URL, patient())
	var calls errgroup.Group
	for range kept {
		calls.Go(func() error {
			_, err := client.Random(t.Context())
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		t.Fatal(err)
	}
	peer.Behave(fakepeer.BreaksOff(""))
	if _, err := client.Random(t.Context()); !errors.Is(err, errNoResponse) {
		t.Errorf("got %v, want %v", err, errNoResponse)
	}
	if opened, _ := peer.Connections(); opened != kept+1 || peer.Requests() != kept+2 {
		t.Errorf("got %d connections and %d requests, want one connection and two requests more than the %d idle connections",
			opened, peer.Requests(), kept)
	}
}

// An unsolicited response on an idle connection isn't mistaken for the response to the next request.
func TestUnsolicitedResponse(t *testing.T) {
	idle := make(chan net.Conn, 1)
	peer := fakepeer.New(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, says())
		idle <- conn
	})
	client := newClient(t, peer.URL, patient())
	if _, err := client.Random(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := <-idle
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, strings.Replace(says(), "Yoda", "Odya", 1)); err != nil {
		t.Fatal(err)
	}
	p := client.transport.(*plain)
	await.True(t, "the client detects the unsolicited response", func() bool { return !p.idle[0].StillOpen() })
	if got, err := client.Random(t.Context()); err != nil || got != yoda() {
		t.Fatalf("got %v, %v", got, err)
	}
	_ = (<-idle).Close()
	if peer.Requests() != 2 {
		t.Errorf("%d requests, want 2: the connection should have been closed before the second call", peer.Requests())
	}
}

// Every call frees its slot, whatever its outcome; its connection is kept only if the response was read to the end.
func TestSlotAndConnectionAfterCall(t *testing.T) {
	begun := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "500")
		_, _ = io.WriteString(w, fakepeer.Hero)
		_ = http.NewResponseController(w).Flush()
		fakepeer.Hangs()(w, r)
	}
	for _, test := range []struct {
		name      string
		behaviour http.HandlerFunc
		kept      int
	}{
		{"a response", fakepeer.Answers(http.StatusOK, fakepeer.Hero), 1},
		{"no body", fakepeer.Answers(http.StatusNoContent, ""), 1},
		{"an error response", fakepeer.Answers(http.StatusInternalServerError, fakepeer.Hero), 1},
		{"the body takes too long", begun, 0},
		{"the header takes too long", fakepeer.Hangs(), 0},
		{"the body is too large", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat(" ", 2*maxResponse))
		}, 0},
		{"connection closed", fakepeer.BreaksOff(""), 0},
		{"not HTTP", fakepeer.BreaksOff("220 smtp ready\r\n"), 0},
		{"connection refused", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			peer := fakepeer.New(t, test.behaviour)
			if test.behaviour == nil {
				peer.Stop()
			}
			cfg := patient()
			if test.kept == 0 { // some of these cases wait for the read timeout
				cfg.Read = 200 * time.Millisecond
			}
			client := newClient(t, peer.URL, cfg)
			_, _ = client.Random(t.Context())
			p := client.transport.(*plain)
			if len(p.idle) != test.kept || client.calls.slots.Taken() != 0 {
				t.Errorf("%d connections are kept, want %d; %d slots are taken", len(p.idle), test.kept, client.calls.slots.Taken())
			}
			await.True(t, "the other connections are closed", func() bool { _, open := peer.Connections(); return open <= test.kept })
			_ = client.Close()
			await.True(t, "all connections are closed", func() bool { _, open := peer.Connections(); return open <= 0 })
		})
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	peer := fakepeer.New(t, fakepeer.Answers(http.StatusOK, fakepeer.Hero))
	client := newClient(t, peer.URL, patient())
	if _, err := client.Random(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := client.transport.(*plain)
	p.closeUnused()
	if _, open := peer.Connections(); open != 1 || p.timer == nil {
		t.Errorf("%d connections are open, want the one just used; it will be closed: %t", open, p.timer != nil)
	}
	p.idle[0].unused = time.Now().Add(-idleTime)
	p.closeUnused()
	await.True(t, "the connection is closed", func() bool { _, open := peer.Connections(); return open == 0 })
	if len(p.idle) != 0 || p.timer != nil {
		t.Errorf("%d connections are kept; a timer runs: %t", len(p.idle), p.timer != nil)
	}
}

// trusted returns a client for the server that trusts the server's certificate.
func trusted(t *testing.T, server *httptest.Server, cfg Config) *Client[character.Character] {
	t.Helper()
	client := newClient(t, server.URL, cfg)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client.transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return client
}

// Over https, certificates are verified, and calls time out even though the transport has no time limit for a whole
// response.
func TestHTTPS(t *testing.T) {
	server := func(behaviour http.HandlerFunc) *httptest.Server {
		server := httptest.NewUnstartedServer(behaviour)
		server.Config.ErrorLog = slog.NewLogLogger(discard().Handler(), slog.LevelError)
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	healthy := server(fakepeer.Answers(http.StatusOK, fakepeer.Hero))
	if got, err := trusted(t, healthy, patient()).Random(t.Context()); err != nil || got != yoda() {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := newClient(t, healthy.URL, patient()).Random(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want an error about the unknown certificate", err)
	}
	cfg := patient()
	cfg.Connect, cfg.Read = time.Second, 100*time.Millisecond // a handshake may be slow on a busy machine
	dribbles := server(fakepeer.Dribbles(strings.Repeat(" ", 5000)+fakepeer.Hero, 20*time.Millisecond))
	if got, err := trusted(t, dribbles, cfg).Random(t.Context()); !fight.IsTimeout(err) {
		t.Errorf("got %v, %v, want a timeout", got, err)
	}
}

// BenchmarkClient compares the transports. Both results include the cost of the peer, which is normally another
// process.
func BenchmarkClient(b *testing.B) {
	peer := httptest.NewServer(fakepeer.Answers(http.StatusOK, fakepeer.Hero))
	b.Cleanup(peer.Close)
	for _, kind := range []struct {
		name      string
		transport transport
	}{
		{"plain", newPlain(strings.TrimPrefix(peer.URL, "http://"), patient())},
		{"net/http", Transport(patient())},
	} {
		b.Run(kind.name, func(b *testing.B) {
			client := New(character.Heroes(), peer.URL, patient())
			client.transport = kind.transport
			b.Cleanup(func() { _ = client.Close() })
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := client.Random(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
