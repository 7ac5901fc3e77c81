// Package smalldisk gives a test a disk of a few MB that it can fill. It knows no other package of the program.
package smalldisk

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// Mount mounts a file system of the given size, such as "4m", visible only to the test's goroutine and the processes
// that it starts. It skips the test if that is forbidden.
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

// Fill fills the disk to the last block, and returns the file it wrote.
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
