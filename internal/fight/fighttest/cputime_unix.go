//go:build unix

package fighttest

import (
	"syscall"
	"time"
)

// CPUTime returns the user and system CPU time of this process, or 0 if it is not available.
func CPUTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
