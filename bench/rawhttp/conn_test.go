package rawhttp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const timeout = 30 * time.Second

// listen starts a server that handles each connection with serve, and counts the connections.
func listen(t *testing.T, serve func(net.Conn, *bufio.Reader)) (base string, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int64)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			serve(conn, bufio.NewReader(conn))
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
	return "http://" + listener.Addr().String(), connections
}

func dial(t *testing.T, base string, timeout time.Duration) *Conn {
	t.Helper()
	c, err := New(base, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// read reads one request.
func read(r *bufio.Reader) error {
	request, err := http.ReadRequest(r)
	if err == nil {
		_, err = io.Copy(io.Discard, request.Body)
	}
	return err
}

// parse parses a single response.
func parse(in io.Reader) (Answer, error) {
	r := newReader()
	r.in.Reset(in)
	return r.answer()
}

func TestAnswers(t *testing.T) {
	const body = "Content-Length: 2\r\n\r\nok"
	ok := Answer{Status: 200, Body: []byte("ok")}
	closes := Answer{Status: 200, Body: []byte("ok"), Close: true}
	for _, c := range []struct {
		name, sent string
		want       Answer
	}{
		{"Content-Length", "HTTP/1.1 200 OK\r\n" + body, ok},
		{"headers in lower case", "HTTP/1.1 200 OK\r\ncontent-length:2\r\nserver: uvicorn\r\n\r\nok", ok},
		{"no reason", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", Answer{Status: 404}},
		{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", ok},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n", ok},
		{"chunks with a Content-Length and a trailer",
			"HTTP/1.1 200 OK\r\nContent-Length: 9\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n", ok},
		{"a body that ends when the connection closes", "HTTP/1.1 200 OK\r\n\r\nok", closes},
		{"Connection: close", "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\n" + body, closes},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + body, closes},
		{"HTTP/1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + body, ok},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", Answer{Status: 204}},
		{"an interim response", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + body, ok},
		{"two equal Content-Length headers", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + body, ok},
		{"Retry-After", "HTTP/1.1 503 Busy\r\nretry-after:17\r\n" + body, Answer{Status: 503, Body: ok.Body, RetryAfter: 17}},
		{"Retry-After with a date", "HTTP/1.1 200 OK\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n" + body, ok},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(c.sent), iotest.OneByteReader(strings.NewReader(c.sent))} {
				got, err := parse(in)
				if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
					t.Errorf("%v (-want +got)\n%s", err, diff)
				}
			}
		})
	}
}

func TestBadAnswers(t *testing.T) {
	long := strings.Repeat("x", maxHead+1)
	for _, c := range []struct{ name, sent string }{
		{"an empty response", ""},
		{"another protocol", "SSH-2.0-OpenSSH_9\r\n\r\n"},
		{"another version", "HTTP/2.0 200 OK\r\n\r\n"},
		{"no status", "HTTP/1.1 abc\r\n\r\n"},
		{"a long status", "HTTP/1.1 2000\r\n\r\n"},
		{"half a status line", "HTTP/1.1 200"},
		{"half a head", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"},
		{"half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"},
		{"chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"},
		{"a chunk with more data than its size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n"},
		{"a chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"},
		{"an endless chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n"},
		{"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"another encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"},
		{"a negative Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"},
		{"two different Content-Length headers", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"},
		{"an excessive Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"},
		{"an invalid header", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"},
		{"a folded header", "HTTP/1.1 200 OK\r\nA: b\r\n c: d\r\nContent-Length: 0\r\n\r\n"},
		{"a header with a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok"},
		{"an endless line", "HTTP/1.1 200 " + long},
		{"endless headers", "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", maxHead/4) + "\r\n"},
		{"two responses", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := parse(strings.NewReader(c.sent)); err == nil {
				t.Errorf("got %+v %q", got, got.Body)
			}
		})
	}
}

// TestKeepAlive sends GET and POST requests on one connection, some of them after a pause. The test covers both small
// responses and large ones, which net/http sends in chunks.
func TestKeepAlive(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("Content-Type"), body)
	}))
	defer server.Close()
	c := dial(t, server.URL, timeout)
	get, head := c.Get("/a"), c.PostHead("/b")
	for _, sent := range []string{strings.Repeat("é", 100_000), `{"é":1}`, ""} {
		if a, err := c.Do(get); err != nil || string(a.Body) != "GET /a  " {
			t.Fatalf("got %q, %v", a.Body, err)
		}
		if a, err := c.Post(head, []byte(sent)); err != nil || string(a.Body) != "POST /b application/json "+sent {
			t.Fatalf("got %.100q, %v", a.Body, err)
		}
		c.used = time.Now().Add(-2 * idle) // pretend that the connection has been idle
	}
	if c.Dialled != 1 || c.Sent < 200_000 || c.Received < 200_000 {
		t.Errorf("%d connections, %d bytes sent, %d bytes received; want 1 and over 200,000 bytes each way", c.Dialled, c.Sent, c.Received)
	}
}

// TestNeverRetries has the server close a keep-alive connection instead of responding. The client must not retry the
// request, unlike net/http's client.
func TestNeverRetries(t *testing.T) {
	var requests atomic.Int64
	base, connections := listen(t, func(conn net.Conn, r *bufio.Reader) {
		for range 2 {
			if read(r) != nil {
				return
			}
			if requests.Add(1)%2 == 1 {
				fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}
	})
	c := dial(t, base, timeout)
	for i := range 6 {
		_, err := c.Do(c.Get("/"))
		if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, ErrUnanswered) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if requests.Load() != 6 || connections.Load() != 3 {
		t.Errorf("the server received %d requests on %d connections, want 6 on 3", requests.Load(), connections.Load())
	}
}

// TestIdleConnectionClosedByServer has the server close an idle connection. The next request must use a new connection.
func TestIdleConnectionClosedByServer(t *testing.T) {
	closed := make(chan struct{}, 1)
	base, connections := listen(t, func(conn net.Conn, r *bufio.Reader) {
		if read(r) == nil {
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
		conn.Close()
		closed <- struct{}{}
	})
	c := dial(t, base, timeout)
	for range 3 {
		if a, err := c.Do(c.Get("/")); err != nil || string(a.Body) != "ok" {
			t.Fatalf("got %q, %v", a.Body, err)
		}
		<-closed
		c.used = time.Now().Add(-2 * idle) // pretend that the connection has been idle
	}
	if connections.Load() != 3 {
		t.Errorf("%d connections, want 3", connections.Load())
	}
}

func TestNoResponse(t *testing.T) {
	t.Run("connection refused", func(t *testing.T) {
		if _, err := dial(t, "http://127.0.0.1:1", timeout).Do([]byte("GET / HTTP/1.1\r\n\r\n")); !errors.Is(err, ErrConnect) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no response", func(t *testing.T) {
		base, _ := listen(t, func(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
		c := dial(t, base, 50*time.Millisecond)
		if _, err := c.Do(c.Get("/")); !errors.Is(err, ErrUnanswered) {
			t.Errorf("got %v", err)
		}
	})
}

func TestBadBases(t *testing.T) {
	for _, base := range []string{"", "localhost:8004", "http://", "ftp://h", "http://h/path", "http://h?q", "http://u:p@h", "http://h:port", "http://h#f"} {
		if _, err := New(base, timeout); err == nil {
			t.Errorf("New accepted the base URL %q", base)
		}
	}
}

// FuzzAnswer compares our response parser with net/http's. If both parsers accept a response, they must agree on its
// status and body.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.0 404 Not Found\r\n\r\nall",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parse(bytes.NewReader(text))
		if err != nil {
			return
		}
		reader := bufio.NewReader(bytes.NewReader(text))
		for {
			want, err := http.ReadResponse(reader, &http.Request{Method: http.MethodGet})
			if err != nil {
				return
			}
			body, err := io.ReadAll(want.Body)
			if err != nil {
				return
			}
			if want.StatusCode < 200 {
				continue
			}
			if got.Status != want.StatusCode || !bytes.Equal(got.Body, body) {
				t.Fatalf("got %d %q, net/http %d %q", got.Status, got.Body, want.StatusCode, body)
			}
			return
		}
	})
}

func BenchmarkDo(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) }))
	defer server.Close()
	c, err := New(server.URL, timeout)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	request := c.Get("/")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Do(request); err != nil {
			b.Fatal(err)
		}
	}
}
