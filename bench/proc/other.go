//go:build !linux

package proc

import (
	"fmt"
	"time"
)

func clock(int) (time.Duration, bool) { return 0, false }

// Cores returns the cores that a process may run on.
func Cores(int) ([]int, error) {
	return nil, fmt.Errorf("reading the CPU affinity: %w", ErrUnavailable)
}

// Pin restricts the process to these cores.
func Pin(int, []int) error { return fmt.Errorf("pinning to cores: %w", ErrUnavailable) }

// Calls counts all system calls of processes.
type Calls struct{}

// CountCalls starts counting.
func CountCalls([]int) (*Calls, error) {
	return nil, fmt.Errorf("counting system calls: %w", ErrUnavailable)
}

// Count returns the number of calls since CountCalls.
func (c *Calls) Count() (int64, error) { return 0, ErrUnavailable }

// Close stops counting.
func (c *Calls) Close() {}
