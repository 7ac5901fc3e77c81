//go:build !linux

package httpserver

import "syscall"

// limitUnsent does nothing where it isn't known how.
func limitUnsent(syscall.Conn) {}
