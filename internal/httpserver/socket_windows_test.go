package httpserver

import "syscall"

// setReceiveBuffer bounds what the kernel takes for a socket before it is read.
func setReceiveBuffer(fd uintptr, size int) {
	_ = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
}
