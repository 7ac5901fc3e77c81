//go:build !unix

package rawhttp

import "net"

// hungUp can't tell here; rather a new connection than a request that is lost.
func hungUp(net.Conn) bool { return true }
