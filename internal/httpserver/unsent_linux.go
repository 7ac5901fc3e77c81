package httpserver

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// limitUnsent has the kernel take no more for a connection than maxUnsent bytes beyond what it can send.
func limitUnsent(conn syscall.Conn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return // the connection is closed
	}
	_ = raw.Control(func(socket uintptr) {
		_ = unix.SetsockoptInt(int(socket), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
	})
}
