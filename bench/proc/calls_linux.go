package proc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Calls counts all system calls made by a set of processes, their threads and the children they start. It uses kernel
// counters on the tracepoint that every system call passes through. While the counters are open, every system call on
// the machine is slightly slower.
type Calls struct{ counters []int }

// CountCalls starts counting the system calls of the given processes. It needs tracefs and permission to trace other
// processes; the error says what is missing.
func CountCalls(pids []int) (*Calls, error) {
	id, err := os.ReadFile("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id")
	if err != nil {
		return nil, fmt.Errorf("counting system calls needs tracefs: %w", err)
	}
	number, err := strconv.ParseUint(strings.TrimSpace(string(id)), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("counting system calls: %w", err)
	}
	attributes := &unix.PerfEventAttr{Type: unix.PERF_TYPE_TRACEPOINT, Config: number, Bits: unix.PerfBitInherit}
	attributes.Size = uint32(unsafe.Sizeof(*attributes))
	c := &Calls{}
	for _, pid := range pids {
		if err := c.open(attributes, pid); err != nil {
			c.Close()
			return nil, fmt.Errorf("counting system calls of process %d: %w", pid, err)
		}
	}
	return c, nil
}

func (c *Calls) open(attributes *unix.PerfEventAttr, pid int) error {
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return err
	}
	for _, task := range tasks {
		tid, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		counter, err := unix.PerfEventOpen(attributes, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if errors.Is(err, unix.ESRCH) {
			continue // it has exited
		}
		if err != nil {
			return os.NewSyscallError("perf_event_open", err)
		}
		c.counters = append(c.counters, counter)
	}
	return nil
}

// Count returns the number of system calls since CountCalls.
func (c *Calls) Count() (int64, error) {
	total := int64(0)
	var value [8]byte
	for _, counter := range c.counters {
		if _, err := unix.Read(counter, value[:]); err != nil {
			return 0, fmt.Errorf("reading a system call counter: %w", err)
		}
		total += int64(binary.NativeEndian.Uint64(value[:]))
	}
	return total, nil
}

// Close stops counting.
func (c *Calls) Close() {
	for _, counter := range c.counters {
		_ = unix.Close(counter) // nothing was written
	}
	c.counters = nil
}
