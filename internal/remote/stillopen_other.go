//go:build !unix

package remote

import "syscall"

// newStillOpen returns a function that always returns true: here, a connection closed by the peer is only detected on
// use.
func newStillOpen(syscall.RawConn) func() bool { return func() bool { return true } }
