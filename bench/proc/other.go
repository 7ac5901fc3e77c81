//go:build !linux

package proc

import (
	"fmt"
	"time"
)

func clock(int) (time.Duration, bool) { return 0, false }

// Cores returns ErrUnavailable on this system.
func Cores(int) ([]int, error) {
	return nil, fmt.Errorf("reading the CPU affinity: %w", ErrUnavailable)
}

// Pin returns ErrUnavailable on this system.
func Pin(int, []int) error { return fmt.Errorf("pinning to cores: %w", ErrUnavailable) }

// Calls would count system calls, but is not available on this system.
type Calls struct{}

// CountCalls returns ErrUnavailable on this system.
func CountCalls([]int) (*Calls, error) {
	return nil, fmt.Errorf("counting system calls: %w", ErrUnavailable)
}

// Count returns ErrUnavailable on this system.
func (c *Calls) Count() (int64, error) { return 0, ErrUnavailable }

// Close stops counting.
func (c *Calls) Close() {}
