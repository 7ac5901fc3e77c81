package fakepeer

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// BlackHole returns the URL of a loopback port that neither accepts nor refuses connections: its listen backlog is
// full, so the kernel drops every attempt.
func BlackHole(tb testing.TB) string {
	tb.Helper()
	addr := listenWithoutBacklog(tb)
	dialer := net.Dialer{Timeout: 200 * time.Millisecond}
	for range 16 {
		conn, err := dialer.DialContext(tb.Context(), "tcp", addr)
		if network := net.Error(nil); errors.As(err, &network) && network.Timeout() {
			return "http://" + addr
		}
		if err != nil {
			tb.Fatalf("filling the backlog: %v", err)
		}
		tb.Cleanup(func() { _ = conn.Close() })
	}
	tb.Skip("the backlog of a listener can't be filled on this system")
	return ""
}

func listenWithoutBacklog(tb testing.TB) (addr string) {
	tb.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		tb.Fatalf("creating a socket: %v", err)
	}
	tb.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		tb.Fatalf("binding: %v", err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		tb.Fatalf("listening: %v", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		tb.Fatalf("reading the port: %v", err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
}
