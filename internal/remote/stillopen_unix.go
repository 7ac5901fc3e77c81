//go:build unix

package remote

import "syscall"

// newStillOpen returns a function that reports whether the peer has neither closed the connection nor sent
// unsolicited data, which would be mistaken for the next response. A call costs one system call and no allocation.
func newStillOpen(conn syscall.RawConn) func() bool {
	var unasked [1]byte
	var err error
	look := func(socket uintptr) {
		_, err = syscall.Read(int(socket), unasked[:]) // doesn't block, because Go's sockets are non-blocking
	}
	return func() bool {
		looked := conn.Control(look) // unlike the Read method, Control ignores the deadline
		return looked == nil && err == syscall.EAGAIN
	}
}
