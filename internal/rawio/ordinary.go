//go:build !linux

package rawio

import "net"

// calls is empty, because all calls are ordinary ones: raw ones are made only on Linux.
type calls struct{}

// New returns a connection that behaves like conn.
func New(conn net.Conn) *Conn { return &Conn{Conn: conn} }
