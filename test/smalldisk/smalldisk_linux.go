// Package smalldisk gives a test a disk of a few MB, which it can fill.
package smalldisk

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// Mount mounts a file system of that size, as in "4m", which only the test's goroutine and the processes that it starts see.
// The test is skipped where that is forbidden.
func Mount(tb testing.TB, size string) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	runtime.LockOSThread() // for good: the thread ends with the test's goroutine, and the mount with it
	err := syscall.Unshare(syscall.CLONE_NEWNS)
	if err == nil {
		err = syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "")
	}
	if err == nil {
		err = syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	}
	if err != nil {
		tb.Skipf("needs to mount a small file system, which is forbidden here: %v", err)
	}
	tb.Cleanup(func() { // the processes on it have ended
		if err := syscall.Unmount(dir, 0); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// Fill fills the disk to the last block, and returns the file that does.
func Fill(tb testing.TB, dir string) (file string) {
	tb.Helper()
	file = filepath.Join(dir, "filler")
	out, err := os.Create(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	for err == nil {
		_, err = out.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		tb.Fatal(err)
	}
	return file
}
