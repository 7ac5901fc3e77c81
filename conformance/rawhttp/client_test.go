package rawhttp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const timeout = 30 * time.Second

func client(t *testing.T, base string, timeout time.Duration, left int64) *Client {
	t.Helper()
	requests := new(atomic.Int64)
	requests.Store(left)
	c, err := NewClient(base, timeout, requests)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listen starts a server that calls serve for each connection and counts the connections.
func listen(t *testing.T, serve func(net.Conn)) (base string, connections *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return "http://" + listener.Addr().String(), connections
}

func TestDoSendsWhatIsWritten(t *testing.T) {
	for name, test := range map[string]struct {
		call Call
		want string
	}{
		"GET": {
			Call{Target: "/api/%FF?limit=+1&a=%zz"},
			"GET /api/%FF?limit=+1&a=%zz HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nUser-Agent: superheroes-contract\r\n\r\n",
		},
		"POST": {
			Call{Method: "POST", Target: "/x", Header: "Content-Type: text/plain\r\n", Body: "\xff\x00"},
			"POST /x HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nUser-Agent: superheroes-contract\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n\xff\x00",
		},
		"POST without a body": {
			Call{Method: "POST", Target: "/x"},
			"POST /x HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\nUser-Agent: superheroes-contract\r\nContent-Length: 0\r\n\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			received := make(chan string, 1)
			base, _ := listen(t, func(conn net.Conn) {
				text := make([]byte, len(test.want)-len("HOST")+len(conn.LocalAddr().String()))
				_, _ = io.ReadFull(conn, text)
				received <- string(text)
				_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nX-A: b\r\n\r\nbody")
			})
			a, err := client(t, base, timeout, 1).Do(t.Context(), test.call)
			if err != nil || a.Status != 404 || a.Header.Get("X-A") != "b" || string(a.Body) != "body" {
				t.Errorf("got %v, %v", a, err)
			}
			if got, want := <-received, strings.Replace(test.want, "HOST", strings.TrimPrefix(base, "http://"), 1); got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
		})
	}
}

// TestDoSendsOnce checks that Do doesn't retry when the server breaks the connection, even where other clients would
// retry.
func TestDoSendsOnce(t *testing.T) {
	for name, answer := range map[string]string{"at once": "", "within the header": "HTTP/1.1 200 OK\r\n", "within the body": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"} {
		t.Run(name, func(t *testing.T) {
			base, connections := listen(t, func(conn net.Conn) {
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, answer)
			})
			if a, err := client(t, base, timeout, 9).Do(t.Context(), Call{Target: "/"}); err == nil {
				t.Errorf("got %v", a)
			}
			if got := connections.Load(); got != 1 {
				t.Errorf("%d connections", got)
			}
		})
	}
}

func TestDoFollowsNothing(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/elsewhere", http.StatusFound))
	defer server.Close()
	a, err := client(t, server.URL, timeout, 1).Do(t.Context(), Call{Target: "/"})
	if err != nil || a.Status != http.StatusFound {
		t.Errorf("got %v, %v", a, err)
	}
}

func TestDoIsBounded(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	hangs, _ := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	t.Run("in requests", func(t *testing.T) {
		c := client(t, server.URL, timeout, 2)
		for i := range 4 {
			if _, err := c.Do(t.Context(), Call{Target: "/"}); (err == nil) != (i < 2) || i >= 2 && !errors.Is(err, ErrTooMany) {
				t.Errorf("request %d: %v", i, err)
			}
		}
	})
	t.Run("in time", func(t *testing.T) {
		if a, err := client(t, hangs, time.Millisecond, 1).Do(t.Context(), Call{Target: "/"}); err == nil {
			t.Errorf("got %v", a)
		}
	})
	t.Run("in failures", func(t *testing.T) {
		c := client(t, hangs, time.Millisecond, 9)
		for i := range 5 {
			if _, err := c.Do(t.Context(), Call{Target: "/"}); errors.Is(err, ErrGivenUp) != (i >= patience) {
				t.Errorf("request %d: %v", i, err)
			}
		}
	})
}

// TestDoTakesEarlyAnswers checks that Do returns a response sent before the server has read the whole request.
func TestDoTakesEarlyAnswers(t *testing.T) {
	base, _ := listen(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
		_, _ = io.Copy(io.Discard, io.LimitReader(conn, 10_000)) // the rest of the request stays unread
		_, _ = conn.Read(make([]byte, 1))
	})
	a, err := client(t, base, timeout, 1).Do(t.Context(), Call{Method: "POST", Target: "/", Body: strings.Repeat("x", 100_000)})
	if err != nil || a.Status != 413 || string(a.Body) != "no" {
		t.Errorf("got %v, %v", a, err)
	}
}

func TestDescriptions(t *testing.T) {
	long := strings.Repeat("é", 300)
	for _, test := range []struct {
		described fmt.Stringer
		want      string
	}{
		{Call{Target: "/api"}, "GET /api"},
		{Call{Method: "POST", Target: "/api", Header: "A: b\r\nC: d\r\n", Body: `{"a":"b"}`}, `POST /api [A: b; C: d] {"a":"b"}`},
		{Call{Method: "POST", Target: "/api", Body: "a\xff\"\n"}, `POST /api a\xff"\n`},
		{Call{Target: "/" + long}, "GET /" + strings.Repeat("é", 49) + "… (601 bytes)"},
		{Answer{Status: 204}, "204, no body"},
		{Answer{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("a\r\nb")}, `200 text/plain a\r\nb`},
		{Answer{Status: 200, Body: []byte(long)}, "200 " + strings.Repeat("é", 200) + "… (600 bytes)"},
	} {
		if got := test.described.String(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}
