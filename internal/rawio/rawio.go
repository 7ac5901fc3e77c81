// Package rawio reads from and writes to sockets with raw system calls, which bypass Go's scheduler.
//
// Before each ordinary system call, the runtime prepares for the possibility that the call will block. In particular, if
// the process was idle, the call wakes the runtime's monitor thread. That thread then looks for blocked calls every 20 us
// (or later, by the timer slack) until the process is idle again. But a call on a non-blocking socket doesn't wait for
// the peer. At the rates of the family's load test, a service is idle before nearly every message, and a third of its
// thread switches were those of the monitor thread.
//
// The monitor thread also interrupts goroutines that run for more than 10 ms, and polls the network while all processors
// are busy. So that it doesn't sleep through bulk transfers, at most 64 KiB are transferred between two ordinary calls in
// each direction of a connection. A goroutine that runs for a long time after a short message isn't interrupted until
// something else wakes the monitor thread: an ordinary call, a garbage collection or a timer. None of our handlers
// computes for that long.
package rawio

import "net"

// Conn is a net.Conn that reads and writes with raw system calls. It lacks the further methods of a *net.TCPConn, such as
// CloseWrite. It is safe for concurrent use.
type Conn struct {
	net.Conn
	calls
}
