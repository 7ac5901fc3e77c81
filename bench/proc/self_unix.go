//go:build unix

package proc

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Self returns the CPU time that this process has used, excluding its children.
func Self() (time.Duration, error) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0, os.NewSyscallError("getrusage", err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
