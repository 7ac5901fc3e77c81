//go:build !linux

package httpserver

import "syscall"

// limitUnsent does nothing: this platform has no known option that limits unsent data.
func limitUnsent(syscall.Conn) {}
