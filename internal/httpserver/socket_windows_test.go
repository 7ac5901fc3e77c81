package httpserver

import "syscall"

// setReceiveBuffer limits how much unread data the kernel buffers for a socket.
func setReceiveBuffer(fd uintptr, size int) {
	_ = syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
}
