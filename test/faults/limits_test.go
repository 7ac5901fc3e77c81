package faults

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func testConnectionLimit(t *testing.T, program string) {
	const most = 5
	fights := startFights(t, program, t.TempDir(), newCatalogs(t).env(), "--max-connections=5")
	connect := func() net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(fights.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	served := func(conn net.Conn, patience time.Duration) bool {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		return err == nil && response.StatusCode == http.StatusOK
	}
	conns := make([]net.Conn, most)
	for i := range conns {
		conns[i] = connect()
		if !served(conns[i], hang) {
			t.Fatalf("connection %d was not served", i+1)
		}
	}
	sixth := connect()
	if served(sixth, 500*time.Millisecond) {
		t.Error("a sixth connection was served beside five")
	}
	if err := conns[0].Close(); err != nil {
		t.Fatal(err)
	}
	if !served(sixth, hang) {
		t.Error("a connection that waited was not served when another had closed")
	}
}
