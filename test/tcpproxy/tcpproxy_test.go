package tcpproxy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"superheroes/test/tcpproxy"
)

// echo starts a server that echoes its input, and returns its address.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, proxy *tcpproxy.Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// send sends a letter. Reading shows whether it failed.
func send(conn net.Conn, letter string) { _, _ = conn.Write([]byte(letter)) }

// read waits up to patience for a letter.
func read(conn net.Conn, patience time.Duration) (string, error) {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	letter := make([]byte, 1)
	n, err := conn.Read(letter)
	return string(letter[:n]), err
}

// ample is enough time for what arrives, short for what doesn't.
const ample, short = time.Minute, 50 * time.Millisecond

func want(t *testing.T, conn net.Conn, letter string) {
	t.Helper()
	if got, err := read(conn, ample); got != letter {
		t.Errorf("got %q and %v, want %q", got, err, letter)
	}
}

func wantEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	if got, err := read(conn, ample); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("it goes on: %q and %v", got, err)
	}
}

func TestProxy(t *testing.T) {
	proxy := tcpproxy.Start(t, echo(t), tcpproxy.All)
	conn := dial(t, proxy)
	send(conn, "a")
	want(t, conn, "a")

	proxy.Become(tcpproxy.Hangs)
	send(conn, "b")
	if got, err := read(conn, short); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("while it hangs: %q and %v", got, err)
	}
	proxy.Become(tcpproxy.Passes)
	want(t, conn, "b")

	proxy.Become(tcpproxy.Refuses)
	wantEnd(t, dial(t, proxy))
	send(conn, "c")
	want(t, conn, "c")

	proxy.Cut()
	wantEnd(t, conn)
	proxy.Become(tcpproxy.Passes)
	again := dial(t, proxy)
	send(again, "d")
	want(t, again, "d")
}

func TestRelays(t *testing.T) {
	shout := func(to io.Writer, from io.Reader) {
		letter := make([]byte, 1)
		for {
			if _, err := from.Read(letter); err != nil || letter[0] == '.' {
				return
			}
			_, _ = to.Write([]byte(strings.ToUpper(string(letter))))
		}
	}
	_, all := tcpproxy.All()
	conn := dial(t, tcpproxy.Start(t, echo(t), func() (up, down tcpproxy.Relay) { return shout, all }))
	send(conn, "x")
	want(t, conn, "X")
	send(conn, ".")
	wantEnd(t, conn)
}
