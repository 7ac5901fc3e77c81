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
