//go:build !unix

package proc

import "time"

// Self returns the CPU time that this process has used.
func Self() (time.Duration, error) { return 0, ErrUnavailable }
