//go:build unix

package fighttest

import (
	"syscall"
	"time"
)

// CPUTime returns the processor time that this process has used, in the kernel too; 0 where the system doesn't tell.
func CPUTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
