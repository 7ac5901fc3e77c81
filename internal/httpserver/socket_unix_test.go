//go:build unix

package httpserver

import "syscall"

// setReceiveBuffer bounds what the kernel takes for a socket before it is read.
func setReceiveBuffer(fd uintptr, size int) {
	_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
}
