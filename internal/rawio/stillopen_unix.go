//go:build unix && !linux

package rawio

import "syscall"

// StillOpen reports whether the peer has neither closed the connection nor sent anything that hasn't been read, whatever
// the deadlines. For a connection that isn't a socket, it always returns true. It must not be called during a Read. Once
// it has returned false, the connection must not be used again.
func (c *Conn) StillOpen() bool {
	socket, ok := c.Conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var readErr error
	err = raw.Control(func(socket uintptr) {
		_, readErr = syscall.Read(int(socket), make([]byte, 1)) // doesn't block, because Go's sockets are non-blocking
	})
	return err == nil && readErr == syscall.EAGAIN
}
