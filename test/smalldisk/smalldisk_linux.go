// Package smalldisk provides a disk of a few MB that tests can fill. The package doesn't depend on other packages of
// this module.
package smalldisk

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Mount mounts a file system of the given size, such as "4m", that is visible only to the test's goroutine and to
// processes started by that goroutine. Mount skips the test if mounting is forbidden.
func Mount(tb testing.TB, size string) (dir string) {
	tb.Helper()
	dir = tb.TempDir()
	lockFreshThread()
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
	tb.Cleanup(func() { // by now, the processes that use the disk have exited
		if err := syscall.Unmount(dir, 0); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// lockFreshThread locks the goroutine to a thread that has no child processes. The thread is never unlocked, so it ends,
// together with the mount, when the goroutine ends. The kernel then kills the processes that the thread has started if
// they are to die with their parent; another test's processes must not be among them.
func lockFreshThread() {
	for {
		runtime.LockOSThread()
		children, err := os.ReadFile("/proc/thread-self/children")
		if err != nil || len(children) == 0 {
			return
		}
		runtime.UnlockOSThread()
		time.Sleep(time.Millisecond) // usually continues on another thread
	}
}

// Fill fills the disk completely with one file, and returns the file's path.
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
