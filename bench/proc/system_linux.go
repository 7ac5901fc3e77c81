package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clock reads the CPU-time clock of a process, which has nanosecond resolution, unlike the 10 ms ticks in /proc. The
// clock ID uses the kernel's encoding, as does clock_getcpuclockid(3).
func clock(pid int) (time.Duration, bool) {
	var now unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &now); err != nil {
		return 0, false
	}
	return time.Duration(now.Nano()), true
}

// Cores returns the cores that a process may run on.
func Cores(pid int) ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(pid, &set); err != nil {
		return nil, fmt.Errorf("reading the CPU affinity of process %d: %w", pid, err)
	}
	var cores []int
	for core := range len(set) * 64 {
		if set.IsSet(core) {
			cores = append(cores, core)
		}
	}
	return cores, nil
}

// Pin restricts all threads of the process to the given cores; threads started later inherit the restriction.
func Pin(pid int, cores []int) error {
	var set unix.CPUSet
	for _, core := range cores {
		if core < 0 || core >= len(set)*64 {
			return fmt.Errorf("no such core: %d", core)
		}
		set.Set(core)
	}
	folder := "/proc/" + strconv.Itoa(pid) + "/task"
	// Pin all threads twice, in case an unpinned thread started another one during the first pass.
	for range 2 {
		tasks, err := os.ReadDir(folder)
		if err != nil {
			return fmt.Errorf("pinning process %d: %w", pid, err)
		}
		for _, task := range tasks {
			tid, err := strconv.Atoi(task.Name())
			if err != nil {
				continue
			}
			if err := unix.SchedSetaffinity(tid, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("pinning process %d to the cores %v: %w", pid, cores, err)
			}
		}
	}
	return nil
}
