package faults

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"superheroes/test/await"
)

// When all connections up to the limit have a request, a new one is refused, and served as soon as there is room.
func testConnectionLimit(t *testing.T, program string) {
	const most = 5
	fights := startFights(t, program, t.TempDir(), newCatalogs(t).env(), "--max-connections=5")
	connect := func(request string) net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(fights.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(hang)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	const ask = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
	status := func() int {
		conn := connect(ask)
		defer func() { _ = conn.Close() }()
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if refused := response.StatusCode == http.StatusServiceUnavailable; refused != (response.Header.Get("Retry-After") != "") || refused != response.Close {
			t.Errorf("%d has Retry-After %q; closes: %t", response.StatusCode, response.Header.Get("Retry-After"), response.Close)
		}
		return response.StatusCode
	}
	// The connections used to await the start, and those of status, count until the service notices that they are
	// closed, so some of these may be refused; the first one is served.
	var conns []net.Conn
	await.True(t, "a new one is refused", func() bool {
		conns = append(conns, connect("POST /api/fights HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"))
		return len(conns) >= most && status() == http.StatusServiceUnavailable
	})
	if err := conns[0].Close(); err != nil {
		t.Fatal(err)
	}
	await.True(t, "one is served when another has closed", func() bool { return status() == http.StatusOK })
}
