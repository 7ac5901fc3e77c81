//go:build unix

package remote

import "syscall"

// newQuiet returns a function that reports whether the peer has said nothing since its last answer, not even that it closed
// the connection. What it said unasked would be taken for the answer to the next request. A call costs one system call and
// allocates nothing.
func newQuiet(conn syscall.RawConn) func() bool {
	var unasked [1]byte
	var err error
	look := func(socket uintptr) { _, err = syscall.Read(int(socket), unasked[:]) } // which does not wait: no socket of Go's does
	return func() bool {
		looked := conn.Control(look) // unlike Read, Control minds no deadline
		return looked == nil && err == syscall.EAGAIN
	}
}
