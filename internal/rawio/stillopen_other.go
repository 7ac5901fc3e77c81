//go:build !unix

package rawio

// StillOpen always returns true, since this system can't tell.
func (*Conn) StillOpen() bool { return true }
