//go:build unix

package rawhttp

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// hungUp reports whether an idle connection has data pending: the server's close, or unsolicited bytes.
func hungUp(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true // a TLS connection can't be checked, so it is replaced
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	resting := false
	err = raw.Read(func(fd uintptr) bool {
		_, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		resting = err == unix.EAGAIN
		return true
	})
	return err != nil || !resting
}
