package httpserver

import "syscall"

// setReceiveBuffer limits what the kernel buffers for a socket before it is read.
func setReceiveBuffer(fd uintptr, size int) {
	_ = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
}
