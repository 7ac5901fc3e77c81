//go:build unix

package peers

import "syscall"

// quiet tells whether the peer has said nothing since its last answer, not even that it closed the connection. What it
// said unasked would be taken for the answer to the next request. It costs one system call.
func quiet(conn syscall.RawConn) bool {
	var err error
	looked := conn.Control(func(socket uintptr) { // unlike Read, Control minds no deadline
		var unasked [1]byte
		_, err = syscall.Read(int(socket), unasked[:]) // which does not wait: no socket of Go's does
	})
	return looked == nil && err == syscall.EAGAIN
}
