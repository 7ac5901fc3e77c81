package httpserver

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// limitUnsent limits the unsent data that the kernel buffers for a connection to maxUnsent bytes.
func limitUnsent(conn syscall.Conn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return // the connection is closed
	}
	_ = raw.Control(func(socket uintptr) {
		_ = unix.SetsockoptInt(int(socket), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
	})
}
