//go:build !linux

package proc

import (
	"fmt"
	"time"
)

func clock(int) (time.Duration, bool) { return 0, false }

// Cores returns the cores that a process may run on.
func Cores(int) ([]int, error) { return nil, fmt.Errorf("asking for cores: %w", ErrUnavailable) }

// Pin lets the process run on these cores only.
func Pin(int, []int) error { return fmt.Errorf("pinning to cores: %w", ErrUnavailable) }
