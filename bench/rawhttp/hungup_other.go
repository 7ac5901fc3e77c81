//go:build !unix

package rawhttp

import "net"

// hungUp always returns true, since the state of a connection can't be checked on this system and a new connection is
// better than a lost request.
func hungUp(net.Conn) bool { return true }
