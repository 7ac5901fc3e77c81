//go:build !linux || race

package rawio

import "net"

// calls is empty: all calls are ordinary ones. Raw ones exist only on Linux, and the race detector learns from ordinary
// ones that a message is sent before it is received.
type calls struct{}

// New returns a connection that behaves like conn.
func New(conn net.Conn) *Conn { return &Conn{Conn: conn} }
