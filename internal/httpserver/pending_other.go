//go:build !unix

package httpserver

import "net"

// pending always returns false: unread data can't be detected on this platform.
func pending(*net.TCPConn) bool { return false }
