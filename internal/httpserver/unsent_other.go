//go:build !linux

package httpserver

import "syscall"

// limitUnsent does nothing: there is no known way on this platform.
func limitUnsent(syscall.Conn) {}
