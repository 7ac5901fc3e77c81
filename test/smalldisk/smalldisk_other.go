//go:build !linux

// Package smalldisk gives a test a disk of a few MB that it can fill. It knows no other package of the program.
package smalldisk

import "testing"

// Mount skips the test: this platform has no private mounts.
func Mount(tb testing.TB, _ string) (dir string) {
	tb.Helper()
	tb.Skip("needs to mount a small file system, which takes Linux")
	return ""
}

// Fill is never called, since Mount skips the test.
func Fill(testing.TB, string) (file string) { return "" }
