//go:build !linux

// Package smalldisk provides a disk of a few MB that tests can fill. The package doesn't depend on other packages of
// this module.
package smalldisk

import "testing"

// Mount skips the test, because this platform has no private mounts.
func Mount(tb testing.TB, _ string) (dir string) {
	tb.Helper()
	tb.Skip("needs to mount a small file system, which is only possible on Linux")
	return ""
}

// Fill is never called, because Mount skips the test.
func Fill(testing.TB, string) (file string) { return "" }
