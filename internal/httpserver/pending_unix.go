//go:build unix

package httpserver

import (
	"net"
	"syscall"
)

// pending reports whether something has arrived on a connection that nobody has read yet.
func pending(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false // the connection is closed
	}
	n := 0
	_ = raw.Control(func(socket uintptr) {
		n, _, _ = syscall.Recvfrom(int(socket), make([]byte, 1), syscall.MSG_PEEK) // which does not wait: no socket of Go's does
	})
	return n > 0
}
