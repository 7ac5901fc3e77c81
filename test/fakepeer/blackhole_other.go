//go:build !linux

package fakepeer

import "testing"

// BlackHole skips the test: only Linux is known to drop connections when the listen backlog is full.
func BlackHole(tb testing.TB) string {
	tb.Helper()
	tb.Skip("needs Linux, which drops connections when the backlog is full")
	return ""
}
