// Package rawio reads from and writes to sockets with raw system calls, of which the Go runtime isn't told.
//
// The runtime prepares each ordinary system call for the case that it blocks. In particular, if the process was idle, it
// wakes its monitor thread, which then looks every 20 us whether a call blocks, until the process is idle again. But a
// call for a non-blocking socket doesn't block, and in a process that sleeps between any two messages, as these services
// do at the rates of the family's load test, that thread takes a fifth of the CPU time.
//
// The monitor thread has another task: it interrupts goroutines that run for longer than 10 ms. To keep it from sleeping
// through long work, a connection makes an ordinary call after every 64 KiB.
package rawio

import "net"

// Conn is a connection that reads and writes with raw system calls. In all other respects, it behaves like the
// connection from which it was made. It is safe for concurrent use.
type Conn struct {
	net.Conn
	calls
}
