package rawio_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"superheroes/internal/rawio"
	"superheroes/test/await"
)

// pair returns the two ends of a connection.
func pair(t testing.TB, network string) (near, far net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "socket")
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if near, err = net.Dial(network, listener.Addr().String()); err == nil {
		far, err = listener.Accept()
	}
	if err := errors.Join(err, listener.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return near, far
}

// TestConn runs the tests that package net has for its own connections.
func TestConn(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			nettest.TestConn(t, func() (near, far net.Conn, stop func(), err error) {
				near, far = pair(t, network)
				return rawio.New(near), rawio.New(far), func() { _, _ = near.Close(), far.Close() }, nil
			})
		})
	}
	t.Run("not a socket", func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		go io.Copy(far, far)
		conn := rawio.New(near)
		if !conn.StillOpen() {
			t.Error("it isn't open")
		}
		if n, err := conn.Write([]byte("hello")); n != 5 || err != nil {
			t.Errorf("writing: %d, %v", n, err)
		}
		if got, err := io.ReadAll(io.LimitReader(conn, 5)); string(got) != "hello" || err != nil {
			t.Errorf("reading: %q, %v", got, err)
		}
	})
}

// outcome describes the result of a read or write, without addresses.
func outcome(conn net.Conn, n int, err error) string {
	text := fmt.Sprint(err)
	for _, address := range []net.Addr{conn.LocalAddr(), conn.RemoteAddr()} {
		text = strings.ReplaceAll(text, address.String(), "address")
	}
	timeout, network := false, net.Error(nil)
	if errors.As(err, &network) {
		timeout = network.Timeout()
	}
	return fmt.Sprintf("%d bytes, %s (%T, timeout %t, EOF %t, closed %t, past %t, reset %t, pipe %t)", n, text, err, timeout, errors.Is(err, io.EOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE))
}

// TestOutcomes checks that reads and writes have the same results as those of package net, including the text of errors.
func TestOutcomes(t *testing.T) {
	read := func(conn net.Conn) string {
		n, err := conn.Read(make([]byte, 8))
		return outcome(conn, n, err)
	}
	cases := map[string]func(conn, peer net.Conn) string{
		"read": func(conn, peer net.Conn) string { _, _ = io.WriteString(peer, "hello"); return read(conn) },
		"read nothing": func(conn, _ net.Conn) string {
			n, err := conn.Read(nil)
			return outcome(conn, n, err)
		},
		"write nothing": func(conn, _ net.Conn) string {
			n, err := conn.Write(nil)
			return outcome(conn, n, err)
		},
		"peer closed": func(conn, peer net.Conn) string { _ = peer.Close(); return read(conn) },
		"closed":      func(conn, _ net.Conn) string { _ = conn.Close(); return read(conn) },
		"deadline": func(conn, _ net.Conn) string {
			_ = conn.SetDeadline(time.Now().Add(time.Millisecond))
			return read(conn)
		},
		"read closed": func(conn, _ net.Conn) string {
			time.AfterFunc(time.Millisecond, func() { _ = conn.Close() })
			return read(conn)
		},
		"peer resets": func(conn, peer net.Conn) string { reset(peer); return read(conn) },
		"write closed": func(conn, _ net.Conn) string {
			_ = conn.Close()
			n, err := conn.Write([]byte("hello"))
			return outcome(conn, n, err)
		},
		"write after a reset": func(conn, peer net.Conn) string {
			reset(peer)
			_ = read(conn)
			n, err := conn.Write([]byte("hello"))
			return outcome(conn, n, err)
		},
		"write to a peer that doesn't read": func(conn, _ net.Conn) string {
			_ = conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			var err error
			for err == nil {
				_, err = conn.Write(make([]byte, 1000))
			}
			return outcome(conn, 0, err)
		},
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			conn, peer := pair(t, "tcp")
			want := run(conn, peer)
			conn, peer = pair(t, "tcp")
			if got := run(rawio.New(conn), peer); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// reset makes the other end of a connection fail.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// TestSizes checks that data of all sizes arrives unchanged, across the limit after which a call is an ordinary one, and
// although the writer fills the socket's buffer.
func TestSizes(t *testing.T) {
	near, far := pair(t, "tcp")
	from, to := rawio.New(near), rawio.New(far)
	var sent bytes.Buffer
	for size := 1; size < 10<<20; size = size*3 + 1 {
		sent.Write(bytes.Repeat([]byte{byte(size)}, size))
	}
	go func() {
		defer from.Close()
		rest := sent.Bytes()
		for size := 1; len(rest) > 0; size = size*3 + 1 {
			n, err := from.Write(rest[:min(size, len(rest))])
			if err != nil {
				t.Error(err)
				return
			}
			rest = rest[n:]
		}
	}()
	got, err := io.ReadAll(to)
	if err != nil || !bytes.Equal(got, sent.Bytes()) {
		t.Errorf("%d bytes arrived, %v; want the %d that were sent", len(got), err, sent.Len())
	}
}

// TestPartialWrite checks that a write that fails reports how many bytes have been sent.
func TestPartialWrite(t *testing.T) {
	near, far := pair(t, "tcp")
	conn, sent := rawio.New(near), 0
	err := conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for err == nil {
		var n int
		n, err = conn.Write(make([]byte, 40_000))
		sent += n
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing failed with %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, far); n != int64(sent) || err != nil {
		t.Errorf("%d bytes arrived, %v; %d were reported as sent", n, err, sent)
	}
}

func TestStillOpen(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(conn, peer net.Conn)
		want bool
	}{
		"idle":               {func(_, _ net.Conn) {}, true},
		"deadline passed":    {func(conn, _ net.Conn) { _ = conn.SetDeadline(time.Unix(1, 0)) }, true},
		"everything is read": {func(conn, peer net.Conn) { _, _ = io.WriteString(peer, "x"); _, _ = conn.Read(make([]byte, 1)) }, true},
		"unread data":        {func(_, peer net.Conn) { _, _ = io.WriteString(peer, "x") }, false},
		"peer closed":        {func(_, peer net.Conn) { _ = peer.Close() }, false},
		"closed":             {func(conn, _ net.Conn) { _ = conn.Close() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := pair(t, "tcp")
			conn := rawio.New(near)
			c.do(conn, far)
			if c.want {
				if !conn.StillOpen() {
					t.Error("it isn't open any more")
				}
				return
			}
			await.True(t, "it isn't open any more", func() bool { return !conn.StillOpen() })
		})
	}
}

// BenchmarkExchange measures a request and its response of 500 bytes each between two goroutines.
func BenchmarkExchange(b *testing.B) {
	plain := func(conn net.Conn) net.Conn { return conn }
	raw := func(conn net.Conn) net.Conn { return rawio.New(conn) }
	for _, c := range []struct {
		name, network string
		wrap          func(net.Conn) net.Conn
	}{
		{"net", "tcp", plain}, {"rawio", "tcp", raw}, {"net, Unix", "unix", plain}, {"rawio, Unix", "unix", raw},
	} {
		b.Run(c.name, func(b *testing.B) {
			near, far := pair(b, c.network)
			exchange(b, c.wrap(near), c.wrap(far))
		})
	}
}

func exchange(b *testing.B, client, server net.Conn) {
	b.Helper()
	const size = 500
	go func() {
		message := make([]byte, size)
		for {
			if _, err := io.ReadFull(server, message); err != nil {
				return // the client is done
			}
			_, _ = server.Write(message)
		}
	}()
	message := make([]byte, size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(client, message); err != nil {
			b.Fatal(err)
		}
	}
}
