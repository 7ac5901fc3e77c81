//go:build unix

package httpserver

import (
	"net"
	"syscall"
)

// pending reports whether a connection has unread data.
func pending(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false // the connection is closed
	}
	n := 0
	_ = raw.Control(func(socket uintptr) {
		n, _, _ = syscall.Recvfrom(int(socket), make([]byte, 1), syscall.MSG_PEEK) // doesn't block, because Go's sockets are non-blocking
	})
	return n > 0
}
